"""Settings: environment ``SWITCHROOM_…`` > secret files > ``switchroom.yaml`` > defaults.

Nested names are joined by two underscores: ``SWITCHROOM_HTTP__PORT=8500``. ``SWITCHROOM_HOME`` holds all
run-time state; secret files lie in ``$SWITCHROOM_HOME/secrets/``, one value a file, named like the setting.
"""

import os
from collections.abc import Mapping
from datetime import time
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from switchroom.runtime.setting_names import unknown_names, unknown_variables

PROJECT = Path(__file__).resolve().parents[2]


class SettingsError(Exception):
    """A setting cannot be used; the text names the place and the fix."""


def port_taken(host: str, port: int, what: str, setting: str, error: OSError) -> str:
    """The sentence for an address that cannot be listened on; ``setting`` is the one that changes it."""
    return f"{host}:{port} cannot be used for {what} ({error.strerror}): set another with {setting}"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Http(_Section):
    """Desktop, REST, WebSocket events, health and metrics."""

    host: str = "127.0.0.1"
    port: int = Field(8400, ge=0, le=65535)
    origins: tuple[str, ...] = ()
    """Further origins from which a browser may talk to us, as ``https://cc.example.com``; our own always may."""
    hosts: tuple[str, ...] = ()
    """Further host names under which we are asked for; addresses, this machine's name and those of ``origins`` are."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses or networks of proxies of ours: what they say of the client (X-Forwarded-For, -Proto) is believed."""


class Media(_Section):
    """Where Asterisk brings the callers' audio. It has no authentication: loopback or a private network only."""

    host: str = "127.0.0.1"
    port: int = Field(8401, ge=0, le=65535)
    claim_timeout_s: float = 2.0
    longest_visit_s: int = Field(600, ge=1)
    """After this long in one menu the caller is put back to its start: nobody stays for ever with a dead host."""


class Sip(_Section):
    host: str = "127.0.0.1"
    port: int = Field(5060, ge=1, le=65535)
    carriers: tuple[str, ...] = ("127.0.0.2",)
    """Addresses from which the carrier's calls come."""
    rtp_ports: tuple[int, int] = (20000, 21999)
    max_calls: int | None = Field(None, ge=1)
    """Calls at once, at most; the next caller is told "busy". Without it as many as fit (`switchroom doctor`)."""

    @field_validator("rtp_ports")
    @classmethod
    def _rising(cls, ports: tuple[int, int]) -> tuple[int, int]:
        if not 1024 <= ports[0] < ports[1] <= 65535:
            raise ValueError("the first and the last port, from 1024 to 65535")
        return ports


class Asterisk(_Section):
    """The softswitch: ``local`` runs one in a folder, ``remote`` only talks to one over AMI."""

    mode: Literal["local", "remote"] = "local"
    tree: Path = PROJECT / ".asterisk"
    ami_host: str = "127.0.0.1"
    ami_port: int = Field(5038, ge=1, le=65535)
    ami_user: str = "switchroom"
    ami_secret: SecretStr | None = None
    """Without one, that of the secrets folder, made when Asterisk's configuration is written there."""
    log_limit_kb: int = Field(10_240, ge=16)
    """A log of Asterisk that is longer (1,024 bytes each) is begun anew."""
    logs_kept: int = Field(5, ge=1, le=100)
    """Old ones of each log that are kept."""
    extra_modules: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], ...] = ()
    """Modules of Asterisk that are loaded beside those that we need, as ``app_queue``."""


class Presence(_Section):
    """When an agent counts as gone."""

    desktop_gone_after_s: float = Field(30.0, gt=0)
    """How long an agent's desktop may be away, or not come back after a restart, before the agent is not ready."""


Days = Annotated[int, Field(ge=0, le=36_500)]


class Retention(_Section):
    """For how many days each kind of record is kept, in days of the business; 0 keeps it until somebody is erased.

    What is under a legal hold is kept longer.
    """

    menu_inputs_days: Days = 90
    """What callers pressed and said, and what menus looked up for them."""
    recordings_days: Days = 180
    personal_data_days: Days = 365
    """Who called: the number, the name, the customer's id."""
    events_days: Days = 400
    """The event log: replays, explanations, and what `db rebuild` can make anew."""
    contacts_days: Days = 1095
    """The contacts' rows: times, queue, agent, outcome."""
    tickets_days: Days = 1095
    """Tickets that are closed, since then."""
    run_at: time = time(3, 30)
    """When the server looks for what is due, each day, in the business time zone."""

    @model_validator(mode="after")
    def _contacts_last(self) -> Self:
        for name in ("menu_inputs_days", "recordings_days", "personal_data_days", "events_days"):
            days: int = getattr(self, name)
            if self.contacts_days and not 0 < days <= self.contacts_days:
                raise ValueError(f"{name} may not outlast contacts_days: these records are found by their contact")
        return self


class Speech(_Section):
    vosk_models: Mapping[str, Path] = Field(default_factory=dict)
    """A Vosk model directory for a language, as ``{"zh-CN": "/srv/models/vosk-cn"}``."""
    workers: int = Field(1, ge=1, le=64)


class Settings(BaseSettings):
    """All settings of one server."""

    model_config = SettingsConfigDict(env_prefix="SWITCHROOM_", env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = PROJECT / "var"
    dialplans: Path = PROJECT / "dialplans"
    recordings: Path = PROJECT / "recordings" / "files"
    database_url: SecretStr | None = None
    """SQLAlchemy's async URL; without one, SQLite in ``home``."""
    redis_url: SecretStr | None = None
    crm: str = "builtin"
    """The connector to the CRM, by its name."""
    lookups: Mapping[str, str] = {"orders": "orders"}
    """What menus can look up: the name in menus, and the source's."""
    server_name: str = Field("main", pattern=r"^[a-z0-9-]{1,32}$")
    """What this server is called among those that share a Redis; each has its own."""
    http: Http = Http()
    media: Media = Media()
    sip: Sip = Sip()
    asterisk: Asterisk = Asterisk()
    presence: Presence = Presence()
    retention: Retention = Retention()
    speech: Speech = Speech()
    time_zone: str = "Asia/Shanghai"
    """The business's own (IANA name): of the days of reports, retention and recordings. Storage is in UTC."""
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone `{name}`: write it as Asia/Shanghai") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The business time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def database(self) -> str:
        """The database's URL, with its password: never log it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.home / 'switchroom.db'}"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        if wrong := [*unknown_variables(settings_cls, os.environ)]:
            raise SettingsError("; ".join(wrong))
        home = Path(os.environ.get("SWITCHROOM_HOME", PROJECT / "var"))
        sources: list[PydanticBaseSettingsSource] = [init_settings, EnvSettingsSource(settings_cls)]
        if (home / "secrets").is_dir():
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=home / "secrets", env_prefix=""))
        sources.append(InitSettingsSource(settings_cls, _yaml_settings(settings_cls)))
        return tuple(sources)


def _yaml_settings(settings_cls: type[BaseSettings]) -> dict[str, Any]:
    named = os.environ.get("SWITCHROOM_CONFIG")
    path = Path(named or "switchroom.yaml")
    if not path.is_file():
        if named:
            raise SettingsError(f"SWITCHROOM_CONFIG names {path}, and there is no such file")
        return {}
    try:
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise SettingsError(f"{path}: expected settings by name, as `http: {{port: 8400}}`")
    if wrong := [*unknown_names(settings_cls, loaded, path)]:
        raise SettingsError("; ".join(wrong))
    return loaded
