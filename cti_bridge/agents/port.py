"""What the bridge asks of the ACD."""

from collections.abc import Sequence
from typing import Literal, Protocol

from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName, TeamName
from switchroom.domain.views import AgentView, QueueView

RequestedState = Literal["available", "paused", "logged_out"]
"""What an agent may ask for; the other states come from contacts."""


PauseReason = Literal["break", "lunch", "meeting", "training", "paperwork"]
"""Why an agent may pause. A word of this list names no customer: it stands in the log, which is never changed."""


class AgentCommands(Protocol):
    """Agents and queues, as the ACD holds them."""

    def agents(self) -> Sequence[AgentView]: ...

    def agent(self, agent_id: AgentId) -> AgentView | None: ...

    def team(self, name: TeamName) -> frozenset[AgentId]:
        """Who belongs to the team."""

    def phones(self) -> Sequence[Extension]:
        """Every phone at which an agent may sit."""

    async def take_desk(self, agent_id: AgentId, extension: Extension) -> AgentView:
        """The agent sits at this phone from now on; who sat there is logged out.

        Raises `UnknownAgent`, or `Refused` while one of the two phones is in use.
        """

    def sit(self, agent_id: AgentId) -> None:
        """An agent who sits nowhere sits at their own desk again; raises `Refused` if somebody else does."""

    def queues(self) -> Sequence[QueueView]: ...

    def queues_of(self, agent_id: AgentId) -> Sequence[QueueName]:
        """The queues that the agent's skills open to them."""

    async def reserve_consulted(self, agent_id: AgentId, contact_id: ContactId) -> Extension:
        """Another agent is to ask this one about the contact: nobody is offered to them from now on.

        Returns where they sit; raises `UnknownAgent`, or `Refused` if they cannot be had.
        """

    def release_consulted(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Nothing comes of it, as the softswitch refuses."""

    async def set_state(self, agent_id: AgentId, state: RequestedState, reason: str | None) -> AgentView:
        """Move the agent; raises `UnknownAgent` or `Refused`. From wrap-up, ``available`` ends it."""
