"""CRM connectors: each is a file here, chosen by its name in the setting ``crm``."""

from collections.abc import Callable, Mapping

from cti_bridge.connectors.builtin import builtin
from cti_bridge.connectors.port import Connectors
from switchroom.runtime.settings import SettingsError
from switchroom.storage.database import Database

Kinds = Mapping[str, Callable[[Database], Connectors]]

CONNECTORS: Kinds = {"builtin": builtin}


def connect(name: str, database: Database, kinds: Kinds = CONNECTORS) -> Connectors:
    """The connector of this name. Raises `SettingsError` when there is none."""
    if name not in kinds:
        raise SettingsError(f"crm: there is no connector `{name}`; there is {', '.join(sorted(kinds))}")
    return kinds[name](database)
