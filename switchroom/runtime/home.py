"""``$SWITCHROOM_HOME``, the folder of all run-time state: only its owner reads it, and one server at a time uses it."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

import structlog

from switchroom.runtime.settings import SettingsError

log = structlog.get_logger(__name__)

_OTHERS = 0o077
_OURS = ("secrets", "switchroom.db", "asterisk", "dialplans", "switchroom.yaml")
"""What tells a home of ours from a folder that somebody named by mistake."""


def keep_private() -> None:
    """From now on everything that this process and its children write is for its own user alone."""
    os.umask(_OTHERS)


def open_home(home: Path) -> None:
    """Make the home, or shut the one that is there to everybody else. Raises SettingsError: it cannot be private."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = home.stat().st_mode
    if mode & stat.S_IWOTH:
        raise SettingsError(f"{home} may be written by everybody: choose a folder of its own with SWITCHROOM_HOME")
    names = {path.name for path in home.iterdir()}
    if mode & _OTHERS and (not names or names.intersection(_OURS)):
        _shut(home)


def open_recordings(folder: Path) -> None:
    """Make the folder of recordings, or shut the one that is there to everybody else.

    One that another user owns is left as it is: who gave it decides who reads it. A folder that cannot be had is said
    in the log only: calls are answered without it, and their recordings wait.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
            _shut(folder)
    except OSError as error:
        log.warning("home.recordings_not_private", reason=error.strerror)


def _shut(top: Path) -> None:
    """Take from everybody else what they may do with ``top`` and what is below it. OSError: with ``top`` we may not."""
    top.chmod(top.stat().st_mode & ~_OTHERS & 0o7777)
    for folder, _, files in os.walk(top):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            with suppress(FileNotFoundError, PermissionError):  # moved meanwhile; another user's: ``top`` is shut
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & ~_OTHERS & 0o7777)


@contextmanager
def claim(home: Path, what: str, *, name: str = "server") -> Iterator[None]:
    """Have the home to ourselves as ``what`` (a command, for people); the kernel lets go when the process ends.

    Raises SettingsError, which names the process that has it.
    """
    open_home(home)
    with (home / f"{name}.lock").open("a+", encoding="utf-8") as file:
        _lock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"process {os.getpid()} (`{what}`, since {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z})")
        file.flush()
        yield


def refuse_if_claimed(home: Path, *, name: str = "server") -> None:
    """Raise SettingsError, which names the process, if somebody has claimed the home."""
    with suppress(FileNotFoundError), (home / f"{name}.lock").open(encoding="utf-8") as file:
        _lock(file, fcntl.LOCK_SH)


def _lock(file: TextIO, how: int) -> None:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read() or "another process"
        home = Path(file.name).parent
        raise SettingsError(f"{home} is in use by {holder}: stop it, or set another SWITCHROOM_HOME") from None
