"""Finding an Asterisk, or bringing one: Debian's own packages, unpacked into a folder and run from there.

No chroot and no root at run time: the folder's dynamic loader runs the folder's Asterisk with the folder's
libraries (docs/adr/0002-asterisk-without-chroot.md).
"""

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from softswitch_config.errors import SoftswitchConfigError

log = structlog.get_logger(__name__)

OLDEST = (22, 8)
"""The first Asterisk whose WebSocket channel speaks JSON."""

_SUITE = "forky"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MARK = ".complete"
_MULTIARCH = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}
_LOADER = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}


@dataclass(frozen=True, slots=True)
class Installation:
    """An Asterisk that can be run: the words its command line begins with, its modules and its data."""

    command: tuple[str, ...]
    modules: Path
    data: Path


def find(tree: Path) -> Installation | None:
    """The machine's own Asterisk when it is new enough, else the finished one in ``tree``, else None."""
    return _system() or _in_tree(tree)


def bootstrap(tree: Path) -> Installation:
    """`find`, or else bring Asterisk 22 into ``tree`` (about 20 s, 350 MB). May be repeated: a half tree is redone."""
    if found := find(tree):
        return found
    mmdebstrap = shutil.which("mmdebstrap")
    if mmdebstrap is None:
        raise SoftswitchConfigError("mmdebstrap is missing: install it with `apt-get install mmdebstrap`.")
    if not _KEYRING.exists():
        raise SoftswitchConfigError(f"{_KEYRING} is missing: install it with `apt-get install debian-archive-keyring`.")
    mirror = debian_mirror(Path("/etc/apt"))
    shutil.rmtree(tree, ignore_errors=True)
    log.info("asterisk.bootstrap_started", tree=str(tree))
    done = subprocess.run(  # noqa: S603 -- fixed command; the mirror is the one apt itself uses
        [
            mmdebstrap,
            "--variant=minbase",
            "--include=asterisk",
            # A mirror's Release file may be past its date; its signature is still checked.
            '--aptopt=Acquire::Check-Valid-Until "false"',
            _SUITE,
            str(tree),
            f"deb [signed-by={_KEYRING}] {mirror} {_SUITE} main",
        ],
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,  # programs, which any user of the machine may run
    )
    if done.returncode != 0:
        shutil.rmtree(tree, ignore_errors=True)
        reasons = [line for line in done.stderr.splitlines() if line.startswith(("E:", "Err:"))]
        raise SoftswitchConfigError(f"mmdebstrap could not bring Asterisk: {' '.join(reasons[:3]) or done.returncode}.")
    (tree / _MARK).touch()
    installation = _in_tree(tree)
    if installation is None:
        raise SoftswitchConfigError(f"the Asterisk brought into {tree} does not run on this machine.")
    return installation


def debian_mirror(apt: Path) -> str:
    """The Debian mirror that this machine's apt uses, from ``*.sources`` (deb822) or ``*.list`` below ``apt``."""
    for uri in (*_deb822_uris(apt), *_one_line_uris(apt)):
        if re.fullmatch(r"https?://\S+/debian/?", uri):
            return uri.rstrip("/")
    raise SoftswitchConfigError(f"no Debian mirror is named below {apt}; add one to its sources.")


def _deb822_uris(apt: Path) -> Iterator[str]:
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip().lower() == "uris":
                yield from value.split()


def _one_line_uris(apt: Path) -> Iterator[str]:
    for path in (apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))):
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                if match := re.match(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)", line):
                    yield match[1]


def version(command: tuple[str, ...]) -> tuple[int, int] | None:
    """Major and minor version of the Asterisk that ``command`` runs, or None when it does not run."""
    try:
        told = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"Asterisk (\d+)\.(\d+)", told.stdout)
    return (int(match[1]), int(match[2])) if match else None


def _system() -> Installation | None:
    program = shutil.which("asterisk")
    if program is None or (version((program,)) or (0, 0)) < OLDEST:
        return None
    for modules in (
        *(Path("/usr/lib") / arch / "asterisk/modules" for arch in _MULTIARCH.values()),
        Path("/usr/lib/asterisk/modules"),
        Path("/usr/lib64/asterisk/modules"),
    ):
        if (modules / "chan_websocket.so").exists():
            data = next((d for d in (Path("/usr/share/asterisk"), Path("/var/lib/asterisk")) if d.is_dir()), None)
            if data is not None:
                return Installation((program,), modules, data)
    return None


def _in_tree(tree: Path) -> Installation | None:
    machine = platform.machine()
    if machine not in _MULTIARCH or not (tree / _MARK).exists():
        return None
    libraries = tree / "usr/lib" / _MULTIARCH[machine]
    command = (str(tree / _LOADER[machine]), "--library-path", str(libraries), str(tree / "usr/sbin/asterisk"))
    if (version(command) or (0, 0)) < OLDEST:
        return None
    return Installation(command, libraries / "asterisk/modules", tree / "usr/share/asterisk")
