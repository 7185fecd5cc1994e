"""What the bridge asks of telephony."""

from collections.abc import Sequence
from typing import Protocol

from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName
from switchroom.domain.views import CallView


class LiveCalls(Protocol):
    """The live calls, to look at."""

    def live(self) -> Sequence[CallView]: ...

    def find(self, contact_id: ContactId) -> CallView | None: ...


class CallCommands(Protocol):
    """What can be done with a live call.

    Each raises `UnknownContact` if there is none, and `Refused` when the agent does not have this caller, its state
    does not allow it, or the softswitch does not answer. What was done is told by an event.
    """

    async def hang_up(self, contact_id: ContactId) -> None:
        """End the call now."""

    async def hold(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The caller hears music."""

    async def resume(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Back to the caller, out of a hold or a consultation."""

    async def consult(self, contact_id: ContactId, agent_id: AgentId, consulted: AgentId, extension: Extension) -> None:
        """Call the other agent's phone while the caller hears music."""

    async def complete(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Hand the caller over to the agent who was consulted."""

    async def conference(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The caller talks to both agents."""

    async def transfer(self, contact_id: ContactId, agent_id: AgentId, queue: QueueName) -> None:
        """Send the agent's caller back into line, for ``queue``."""
