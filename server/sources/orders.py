"""Orders in our own database, by their number."""

from collections.abc import Mapping
from typing import Any, ClassVar

from switchroom.storage.customers import OrderDip
from switchroom.storage.database import Database


class Orders:
    """What a caller may hear about an order of which they know the number (`ivr.ports.LookupSource`)."""

    ARGUMENTS: ClassVar[frozenset[str]] = OrderDip.ARGUMENTS
    FIELDS: ClassVar[frozenset[str]] = OrderDip.FIELDS

    def __init__(self, database: Database) -> None:
        self._orders = OrderDip(database)

    async def look_up(self, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        return await self._orders.get(arguments["number"])
