"""What menus can look up: each source is a file here, known by a name that the settings give to menus."""

from collections.abc import Mapping
from typing import Any

from ivr.language.surroundings import Source
from ivr.ports import LookupFailed, LookupSource
from server.sources.orders import Orders
from switchroom.runtime.settings import SettingsError
from switchroom.storage.database import Database

Kinds = Mapping[str, type[LookupSource]]

SOURCES: Kinds = {"orders": Orders}


class Sources:
    """The sources of this server, by their names in menus (`ivr.ports.Lookups`)."""

    def __init__(self, named: Mapping[str, str], database: Database, kinds: Kinds = SOURCES) -> None:
        """``named`` is the setting ``lookups``. Raises `SettingsError` for a source that there is not."""
        self._sources = {name: kind(database) for name, kind in _chosen(named, kinds).items()}

    async def look_up(self, source: str, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        found = self._sources.get(source)
        if found is None or not arguments.keys() >= found.ARGUMENTS:
            raise LookupFailed(f"there is no source `{source}` that takes {sorted(arguments)}")
        return await found.look_up(arguments)


def described(named: Mapping[str, str], kinds: Kinds = SOURCES) -> Mapping[str, Source]:
    """The sources as menus are checked against them. Raises `SettingsError`."""
    return {name: Source(kind.ARGUMENTS, kind.FIELDS) for name, kind in _chosen(named, kinds).items()}


def _chosen(named: Mapping[str, str], kinds: Kinds) -> Kinds:
    for name, source in named.items():
        if source not in kinds:
            known = ", ".join(sorted(kinds))
            raise SettingsError(f"lookups.{name}: there is no source `{source}`; there is {known}")
    return {name: kinds[source] for name, source in named.items()}
