"""What must hold of agents whom others ask: reserved for it and for nothing else, and afterwards what they were."""

from dataclasses import dataclass
from typing import Any

from acd.core.agents import Agent
from acd.core.consulting import BEGINS_WITHIN_S
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId
from tests.support.acd_world import LiveContact, World

SLACK_S = 0.01


@dataclass(frozen=True)
class Was:
    """An agent as the question found them."""

    contact_id: ContactId
    """About which they are asked."""
    state: AgentState
    reason: str | None
    writes_up: ContactId | None
    until: float | None
    follows: AgentState
    """What comes after the wrap-up."""


class Questions:
    def __init__(self, driver: Any, world: World) -> None:
        self._driver, self._world = driver, world
        self._was: dict[AgentId, Was] = {}
        self._asked_at: dict[AgentId, tuple[ContactId, float]] = {}
        """When they were to be asked, or when the softswitch was heard again after that."""

    # What the machine says

    def is_called_away(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """They are to be asked; without effect when they are reserved for it already."""
        agent = self._agent(agent_id)
        offer = self._driver.core.offers.to(agent)
        if agent.state is AgentState.BUSY or (agent.state is AgentState.RESERVED and offer is None):
            return
        if offer is not None and offer.is_ringing:
            return
        state = AgentState.AVAILABLE if offer is not None else agent.state
        if agent.requested is None:
            follows = AgentState.AVAILABLE
        else:
            follows = {"pause": AgentState.PAUSED, "log_out": AgentState.LOGGED_OUT}[agent.requested[0]]
        state = follows if state is AgentState.AVAILABLE else state
        if offer is None or agent.requested is None:  # else what they asked for meanwhile follows
            writes_up = agent.contact_id if state is AgentState.WRAP_UP else None
            self._was[agent_id] = Was(contact_id, state, agent.reason, writes_up, agent.until, follows)

    def is_reserved(self, agent_id: AgentId, contact_id: ContactId) -> None:
        agent = self._agent(agent_id)
        assert (agent.state, agent.contact_id) == (AgentState.RESERVED, contact_id), f"{agent_id} is not reserved"
        self._asked_at[agent_id] = (contact_id, self._driver.now())

    def is_refused(self, agent_id: AgentId) -> None:
        self._asked_at.pop(agent_id, None)

    def is_busy(self, agent_id: AgentId, contact_id: ContactId) -> None:
        agent = self._agent(agent_id)
        assert (agent.state, agent.contact_id) == (AgentState.BUSY, contact_id), f"{agent_id} talks and is not busy"

    def is_heard_again(self, *, was_lost: bool) -> None:
        if was_lost:
            now = self._driver.now()
            self._asked_at = {agent_id: (about, now) for agent_id, (about, _) in self._asked_at.items()}

    def forget(self, agent_id: AgentId) -> None:
        """They have asked for something themselves: that is what they will be."""
        self._was.pop(agent_id, None)

    def restarted(self) -> None:
        self._was.clear()
        self._asked_at.clear()

    def second_of(self, contact: LiveContact) -> object:
        if contact.second is None:
            return None
        agent = self._agent(contact.second.agent_id)
        return (agent.state, agent.since) if agent.contact_id == contact.id else None

    # What holds

    def may_be_offered(self, agent_id: AgentId) -> None:
        assert self._world.second_in(agent_id) is None, f"{agent_id} is asked or talks, and is offered a contact"

    def is_asked(self, agent: Agent) -> bool:
        """Their phone rings or talks about this contact, or is to within a while."""
        second_in = self._world.second_in(agent.id)
        if second_in is not None and second_in.id == agent.contact_id:
            return True
        about, at = self._asked_at.get(agent.id, (None, 0.0))
        return agent.asked and about == agent.contact_id and self._driver.now() <= at + BEGINS_WITHIN_S + SLACK_S

    def hold(self, *, lost: bool) -> None:
        for agent_id in list(self._was):
            self._is_what_they_were(self._agent(agent_id))
        for contact in () if lost else self._world.asking("rings", "talks", "joined"):
            assert contact.second is not None
            assert self._agent(contact.second.agent_id).contact_id == contact.id, "who is asked is not seen so"

    def _is_what_they_were(self, agent: Agent) -> None:
        was = self._was[agent.id]
        if agent.state is AgentState.RESERVED and agent.contact_id == was.contact_id:
            return
        del self._was[agent.id]
        if agent.state is AgentState.BUSY:
            return
        if was.until is not None and was.until > self._driver.now() + SLACK_S:
            is_now = (agent.state, agent.contact_id, agent.until)
            assert is_now == (AgentState.WRAP_UP, was.writes_up, was.until), f"the wrap-up of {agent.id} is lost"
            return
        target = was.follows if was.state is AgentState.WRAP_UP else was.state
        may_be = {target, AgentState.RESERVED} if target is AgentState.AVAILABLE else {target}
        assert agent.state in may_be, f"{agent.id} was {was.state} and is {agent.state}"
        if agent.state is was.state:
            assert agent.reason == was.reason

    def _agent(self, agent_id: AgentId) -> Agent:
        agent = self._driver.core.roster.get(agent_id)
        assert isinstance(agent, Agent)
        return agent
