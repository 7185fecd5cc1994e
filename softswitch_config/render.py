"""Asterisk's configuration files, written below ``$SWITCHROOM_HOME/asterisk`` from the templates beside this module."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from softswitch_config.credentials import Credentials
from softswitch_config.errors import SoftswitchConfigError
from softswitch_config.installation import Installation
from softswitch_config.music import write_waiting_music
from switchroom.domain.ids import Extension, QueueName
from switchroom.runtime.capacity import capacity, descriptor_limit
from switchroom.runtime.settings import Settings

_TEMPLATES = Path(__file__).parent / "templates"

# Nothing that ends a line, a comment, an argument or a section, and nothing that Asterisk would expand.
_SAFE = re.compile(r"[\w ./:+@*~=-]*")
_PHONE = re.compile(r"[0-9]{2,12}")
_NUMBER = re.compile(r"\+?[0-9]{2,20}")


@dataclass(frozen=True, slots=True)
class Folders:
    """Where one local Asterisk keeps its things."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> "Folders":
        return cls(settings.home.resolve() / "asterisk")

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def monitor(self) -> Path:
        """Where the recordings of talks appear, as ``<call>-<agent>-<epoch>.raw``: 8 kHz, 16 bit, caller left."""
        return self.spool / "monitor"

    @property
    def journal(self) -> Path:
        """Where the dialplan writes down the calls that are over (cel_custom puts it there)."""
        return self.log / "cel-custom" / "calls"

    @property
    def db(self) -> Path:
        return self.root / "db"

    @property
    def music(self) -> Path:
        return self.root / "music"


def render(
    settings: Settings,
    installation: Installation,
    credentials: Credentials,
    *,
    phones: Sequence[Extension],
    numbers: Sequence[str],
    fallback_queue: QueueName,
) -> Path:
    """Write every file that Asterisk reads, and return the folder (``etc``) that they are in.

    ``numbers`` are the dialled numbers that are answered, exactly as the carrier sends them; ``fallback_queue``
    takes the callers for whom no menu could be reached. Raises `SoftswitchConfigError` on a value that
    Asterisk's syntax could misread.
    """
    for phone in phones:
        _check(_PHONE, phone, "a phone is named by 2 to 12 digits")
    for number in numbers:
        _check(_NUMBER, number, "a dialled number is 2 to 20 digits with an optional leading +")
    folders = Folders.of(settings)
    for folder in (folders.etc, folders.run, folders.log, folders.monitor, folders.db, folders.journal.parent):
        folder.mkdir(parents=True, exist_ok=True)
    folders.etc.chmod(0o700)  # passwords are in there
    write_waiting_music(folders.music / "waiting.wav")
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 -- not HTML; `finalize` refuses what Asterisk's syntax could misread
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    values = {
        "settings": settings,
        "capacity": capacity(settings, descriptor_limit()),
        "installation": installation,
        "credentials": credentials,
        "folders": folders,
        "phones": phones,
        "numbers": numbers,
        "fallback_queue": fallback_queue,
    }
    for path in sorted(_TEMPLATES.glob("*.conf.j2")):
        text = templates.get_template(path.name).render(values)
        (folders.etc / path.name.removesuffix(".j2")).write_text(text, encoding="utf-8")
    return folders.etc


def _safe(value: object) -> object:
    text = str(value)
    _check(_SAFE, text, "Asterisk's configuration takes letters, digits, spaces and ./:+@*~=_- only")
    return value


def _check(pattern: re.Pattern[str], text: str, rule: str) -> None:
    if not pattern.fullmatch(text):
        raise SoftswitchConfigError(f"{text!r} cannot be written: {rule}.")
