"""Published versions of flows: each keeps its content for good, so that a call's record says what the caller met.

A version is named by the hash of its content, so the same content is the same version, and is kept once. Beside the
contents it is kept which version of each menu file was the last good one.
"""

import re
from pathlib import Path
from typing import NamedTuple, Protocol

from ivr.files import write_whole


class Version(NamedTuple):
    """A flow's name, and its version."""

    flow: str
    version: str


class FlowVersions(Protocol):
    """Where versions are kept. The methods may take as long as a disk takes, and raise `OSError`."""

    def keep(self, version: Version, source: str) -> None:
        """Keep the content of a version; one that is kept already stays as it is."""

    def source(self, version: Version) -> str | None:
        """The content of a version, if it was ever kept."""

    def mark_good(self, file: str, version: Version) -> None:
        """From now on this is the last good version of a menu file."""

    def last_good(self, file: str) -> Version | None: ...


class MemoryVersions:
    """For as long as the process lives."""

    def __init__(self) -> None:
        self._sources: dict[Version, str] = {}
        self._good: dict[str, Version] = {}

    def keep(self, version: Version, source: str) -> None:
        self._sources.setdefault(version, source)

    def source(self, version: Version) -> str | None:
        return self._sources.get(version)

    def mark_good(self, file: str, version: Version) -> None:
        self._good[file] = version

    def last_good(self, file: str) -> Version | None:
        return self._good.get(file)


class FileVersions:
    """In ``folder``: ``versions/<flow>/<version>.yaml``, and ``good/<file>`` with a flow's name and version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, version: Version, source: str) -> None:
        path = self._path(version)
        if path is None:
            raise ValueError(f"{version.flow} {version.version} is no name of a version")
        if not path.exists():
            write_whole(path, source.encode(), durable=True)

    def source(self, version: Version) -> str | None:
        path = self._path(version)
        return _read(path) if path is not None else None

    def mark_good(self, file: str, version: Version) -> None:
        if self.last_good(file) != version:
            write_whole(self._good(file), f"{version.flow} {version.version}\n".encode(), durable=True)

    def last_good(self, file: str) -> Version | None:
        match (_read(self._good(file)) or "").split():
            case [flow, version]:
                return Version(flow, version)
        return None

    def _good(self, file: str) -> Path:
        return self._folder / "good" / Path(file).name

    def _path(self, version: Version) -> Path | None:
        """None for what cannot be a version: names come from records, too."""
        if not re.fullmatch(r"[a-z][a-z0-9-]*", version.flow) or not re.fullmatch(r"[0-9a-f]+", version.version):
            return None
        return self._folder / "versions" / version.flow / f"{version.version}.yaml"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
