"""Where two contexts meet that do not know each other: each adapter speaks one's port in terms of the other."""

from collections.abc import Mapping
from typing import Any

from ivr.flows import Flows
from ivr.ports import DipFailed
from switchroom.domain.views import FlowView
from switchroom.storage.customers import OrderDip
from switchroom.storage.database import Database


class LedgerDips:
    """The menus' sources of data in our own database (`ivr.ports.Dips`): ``orders``, by ``number``."""

    def __init__(self, database: Database) -> None:
        self._orders = OrderDip(database)

    async def look_up(self, source: str, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        if source != "orders" or "number" not in arguments:
            raise DipFailed(f"there is no source `{source}` that takes {sorted(arguments)}")
        return await self._orders.get(arguments["number"])


class FlowBoard:
    """The menus as the API shows them (`cti_bridge.api.ports.FlowDesk`)."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows

    def flows(self) -> list[FlowView]:
        return [
            FlowView(
                name=status.flow.name if status.flow else status.file,
                numbers=tuple(status.flow.menus.numbers) if status.flow else (),
                version=status.flow.version if status.flow else "",
                error=None if status.current else "\n".join(map(str, status.findings)),
            )
            for status in self._flows.status
        ]
