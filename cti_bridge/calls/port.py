"""What the bridge asks of telephony."""

from collections.abc import Sequence
from typing import Protocol

from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.domain.views import CallView


class CallCommands(Protocol):
    """The live calls."""

    def live(self) -> Sequence[CallView]: ...

    def find(self, contact_id: ContactId) -> CallView | None: ...

    async def hang_up(self, contact_id: ContactId) -> None:
        """End the call now; raises `UnknownContact`, or `Refused` when the softswitch does not answer."""

    async def transfer(self, contact_id: ContactId, agent_id: AgentId, queue: QueueName) -> None:
        """Send the agent's caller back into line; raises `UnknownContact`, or `Refused` when they do not talk."""
