"""What the bridge asks of the menus."""

from collections.abc import Sequence
from typing import Protocol

from switchroom.domain.views import FlowView


class FlowCatalog(Protocol):
    """The menus that answer numbers."""

    def flows(self) -> Sequence[FlowView]: ...
