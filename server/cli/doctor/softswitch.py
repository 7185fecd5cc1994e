"""The doctor on Asterisk: is it there, which one, with which known defects; and do the carriers' names resolve."""

import ipaddress
import socket
from collections.abc import Iterator

from server.cli.doctor.finding import Missing
from server.cli.run import run
from softswitch_config import installation
from softswitch_config.credentials import AMI_SECRET
from softswitch_config.defects import defects
from switchroom.runtime.capacity import capacity, descriptor_limit
from switchroom.runtime.settings import Settings
from telephony.softswitch.ami_version import ask_version
from telephony.softswitch.port import SwitchError

Version = tuple[int, int]

FEW_CALLS = 20
"""Fewer, and nobody asked for it: a limit that somebody forgot."""


def asterisk(settings: Settings) -> str:
    major, minor = _version(settings)
    where = f", remote, at {settings.asterisk.ami_host}:{settings.asterisk.ami_port}"
    return f"Asterisk {major}.{minor}{where if settings.asterisk.mode == 'remote' else ''}"


def known_defects(settings: Settings) -> Iterator[str]:
    """One line for each that the Asterisk in use has."""
    try:
        version = _version(settings)
    except Missing:
        return
    for defect in defects(version):
        fixed = f"fixed in {'.'.join(map(str, defect.fixed_in))}" if defect.fixed_in else "no fix known"
        yield f"asterisk: known defect #{defect.issue} ({fixed}): {defect.means}"


def calls(settings: Settings) -> str:
    """How many fit; too few for a centre is said."""
    fits = capacity(settings, descriptor_limit())
    told = f"{fits.calls} fit at once, bound by {fits.bound_by} ({fits.descriptors} descriptors)"
    if fits.calls < FEW_CALLS and settings.sip.max_calls is None:
        raise Missing(f"only {told}; raise that limit")
    return told


def carriers(settings: Settings) -> str:
    unresolved = [name for name in settings.sip.carriers if not _resolves(name)]
    if unresolved:
        raise Missing(f"{', '.join(unresolved)}: no such host; mend SWITCHROOM_SIP__CARRIERS or the name server")
    return ", ".join(settings.sip.carriers) or "none, so nobody can call"


def _version(settings: Settings) -> Version:
    if settings.asterisk.mode == "remote":
        return _remote_version(settings)
    here = installation.find(settings.asterisk.tree)
    version = installation.version(here.command) if here else None
    if version is None:
        raise Missing(f"no Asterisk of 22.8 or newer here or in {settings.asterisk.tree}; run script/setup")
    return version


def _remote_version(settings: Settings) -> Version:
    ami, secret = settings.asterisk, settings.asterisk.ami_secret
    kept = settings.secrets / AMI_SECRET
    if secret is None and not kept.exists():
        raise Missing("its secret is not known; set SWITCHROOM_ASTERISK__AMI_SECRET, or run `asterisk configure`")
    word = secret.get_secret_value() if secret else kept.read_text(encoding="ascii").strip()
    try:
        return run(ask_version(ami.ami_host, ami.ami_port, ami.ami_user, word))
    except (TimeoutError, OSError, SwitchError) as error:
        where = f"{ami.ami_host}:{ami.ami_port}"
        raise Missing(f"{where} does not answer as Asterisk's manager interface ({error or 'no answer'})") from None


def _resolves(carrier: str) -> bool:
    try:
        ipaddress.ip_network(carrier, strict=False)
    except ValueError:
        try:
            return bool(socket.getaddrinfo(carrier, None))
        except (OSError, UnicodeError):
            return False
    return True
