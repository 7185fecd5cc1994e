"""The secrets between Switchroom, Asterisk and the agents' phones: generated once, kept in files only we can read."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from softswitch_config.errors import SoftswitchConfigError
from switchroom.domain.ids import Extension

AMI_SECRET = "ami_secret"  # noqa: S105 -- the file's name, not the secret
_SIP_PASSWORDS = "sip_passwords.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the manager interface, and what each agent's phone registers with."""

    ami_secret: str = field(repr=False)
    sip_passwords: Mapping[Extension, str] = field(repr=False)


def load_credentials(folder: Path, phones: Sequence[Extension]) -> Credentials:
    """Read the secrets in ``folder`` and generate those that are missing. A password once given never changes."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return Credentials(_ami_secret(folder / AMI_SECRET), _sip_passwords(folder / _SIP_PASSWORDS, phones))


def _ami_secret(path: Path) -> str:
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii").strip()


def _sip_passwords(path: Path, phones: Sequence[Extension]) -> dict[Extension, str]:
    known: dict[Extension, str] = {}
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SoftswitchConfigError(f"{path}: expected a JSON object of passwords by agent: {error}") from error
    missing = {phone: secrets.token_urlsafe(12) for phone in phones if phone not in known}
    if missing:
        known |= missing
        _write_private(path, json.dumps(known, indent=1))
    return {phone: known[phone] for phone in phones}


def _write_private(path: Path, text: str) -> None:
    """Write all of ``text`` or nothing, readable by the owner only from the first byte on."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
