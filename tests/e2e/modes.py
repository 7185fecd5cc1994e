"""Who may read what lies in a home."""

import stat
from pathlib import Path

OPEN_TO_OTHERS = 0o022
"""The usual umask, under which a file is readable by everybody unless its writer takes care."""


def readable_by_others(home: Path) -> list[str]:
    """What below ``home`` (itself included) anybody but the owner may read, write or enter."""
    found = []
    for path in (home, *home.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & 0o077:
            found.append(f"{stat.filemode(mode)} {path.relative_to(home)}")
    return found
