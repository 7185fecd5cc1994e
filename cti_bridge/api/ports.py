"""What the API asks of call control, of the ACD and of the menus; wired in `server.app`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from switchroom.domain.errors import Refused, UnknownAgent, UnknownContact
from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.domain.views import AgentView, CallView, FlowView, QueueView

__all__ = [
    "AgentDesk",
    "CallDesk",
    "Explain",
    "FlowDesk",
    "Refused",
    "RequestedState",
    "UnknownAgent",
    "UnknownContact",
]

RequestedState = Literal["available", "paused", "logged_out"]
"""What an agent may ask for; the other states come from calls."""


class AgentDesk(Protocol):
    """Agents and queues, as the ACD holds them."""

    def agents(self) -> Sequence[AgentView]: ...

    def agent(self, agent_id: AgentId) -> AgentView | None: ...

    def queues(self) -> Sequence[QueueView]: ...

    def queues_of(self, agent_id: AgentId) -> Sequence[QueueName]:
        """The queues that the agent's skills open to them."""

    async def set_state(self, agent_id: AgentId, state: RequestedState, reason: str | None) -> AgentView:
        """Move the agent; raises `UnknownAgent` or `Refused`. From wrap-up, ``available`` ends it."""


Explain = Callable[[ContactId], Awaitable[Sequence[Mapping[str, Any]]]]
"""The router's decisions about a contact with their reasons, oldest first."""


class CallDesk(Protocol):
    """The live calls."""

    def live(self) -> Sequence[CallView]: ...

    def find(self, contact_id: ContactId) -> CallView | None: ...

    async def hang_up(self, contact_id: ContactId) -> None:
        """End the call now; raises `UnknownContact`, or `Refused` when the softswitch does not answer."""


class FlowDesk(Protocol):
    """The menus."""

    def flows(self) -> Sequence[FlowView]: ...
