"""Menus: which answers which number, in which version."""

from collections.abc import Sequence

from cti_bridge.flows.port import FlowCatalog
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.user import Right
from switchroom.domain.views import FlowView


class Flows(Capability):
    def __init__(self, catalog: FlowCatalog) -> None:
        self._catalog = catalog

    async def flows(self, _: Request) -> Sequence[FlowView]:
        return self._catalog.flows()

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/flows",
            handle=flows,
            needs=Right.READ_FLOWS,
            summary="Menus, their numbers, published versions and errors",
            answer=Sequence[FlowView],
        ),
    )
