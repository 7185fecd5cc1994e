"""docker-compose.yml against the settings: a name that is no setting would be ignored without a word."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from switchroom.runtime.settings import PROJECT, Settings

COMPOSE: dict[str, Any] = YAML(typ="safe", pure=True).load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVER: dict[str, Any] = COMPOSE["services"]["switchroom"]


def is_setting(name: str) -> bool:
    """Whether an environment variable, as ``SWITCHROOM_HTTP__PORT``, names a setting."""
    model: Any = Settings
    for part in name.removeprefix("SWITCHROOM_").lower().split("__"):
        if not (isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields):
            return False
        model = model.model_fields[part].annotation
    return True


def test_every_variable_handed_to_the_server_is_a_setting() -> None:
    assert [name for name in SERVER["environment"] if not is_setting(name)] == []


def test_every_variable_that_the_guide_names_is_handed_on() -> None:
    guide = (PROJECT / "docs" / "deploy.md").read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`(SWITCHROOM_\w+)`", guide) if not name.endswith("_")}
    assert named
    assert named <= set(SERVER["environment"])


def test_given_the_fixed_values_when_the_server_reads_them_then_it_finds_the_sockets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SERVER["environment"].items():
        if value is not None:
            monkeypatch.setenv(name, value)
    settings = Settings()
    sockets = next(volume for volume in SERVER["volumes"] if volume.startswith("sockets:")).split(":")[1]
    assert settings.database.endswith(f"?host={sockets}")
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == f"unix://{sockets}/redis.sock"
    assert settings.asterisk.mode == "remote"


def test_the_server_is_not_its_containers_first_process_so_that_its_watchdog_can_kill_it() -> None:
    assert SERVER["init"] is True
    assert SERVER["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_service_is_confined(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    build = service["build"]
    dockerfile = build["dockerfile"] if isinstance(build, dict) else f"{build}/Dockerfile"
    assert "\nUSER switchroom\n" in Path(PROJECT, dockerfile).read_text(encoding="utf-8")
    assert service["network_mode"] == ("none" if name in {"postgres", "redis"} else "host")
