"""Agents ask for a state, phones come and go, desks are taken: rules of the ACD's state machine."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from acd.core import events as ev
from acd.core.agents import Agent, AgentMove
from acd.core.offers import OfferState
from switchroom.domain.errors import Refused
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, Extension
from tests.support.acd_stage import RARELY, Stage
from tests.support.acd_world import ANN, BOB, EVE

AGENTS = st.sampled_from([ANN, BOB, EVE])
REQUESTS = st.sampled_from([AgentMove.READY, AgentMove.READY, AgentMove.PAUSE, AgentMove.PAUSE, AgentMove.LOG_OUT])


class AgentRules(Stage):
    @rule(agent_id=AGENTS, what=REQUESTS, reason=st.sampled_from([None, "lunch"]))
    def an_agent_asks(self, agent_id: AgentId, what: AgentMove, reason: str | None) -> None:
        self.check.asked(agent_id, what)
        self.tell(ev.StateRequested(agent_id, what, reason if what is AgentMove.PAUSE else None))

    @rule(agent_id=AGENTS)
    def an_agent_is_ready_with_a_phone(self, agent_id: AgentId) -> None:
        """The usual case, so that something comes of the rest."""
        agent = self.driver.core.roster.get(agent_id)
        assert agent is not None
        if agent.extension is not None:
            self.phone(agent.extension, True)
        self.an_agent_asks(agent_id, AgentMove.READY, None)

    @rule(number=AGENTS, goes=RARELY)
    def a_phone_changes(self, number: AgentId, goes: bool) -> None:
        self.phone(Extension(number), not goes)

    def phone(self, extension: Extension, registered: bool) -> None:
        self.world.phones[extension] = registered
        self.hear(ev.PhoneChanged(extension, registered))

    @rule(agent_id=AGENTS, number=AGENTS, really=RARELY)
    def an_agent_takes_a_desk(self, agent_id: AgentId, number: AgentId, really: bool) -> None:
        if not really:
            return
        roster, extension = self.driver.core.roster, Extension(number)
        sits, agent = roster.at_desk(extension), roster.get(agent_id)
        if sits is not agent and any(self.is_on_the_phone(one) for one in (sits, agent) if one is not None):
            with pytest.raises(Refused):
                self.tell(ev.DeskTaken(agent_id, extension))
            return
        self.check.takes_desk(agent_id, extension)
        self.tell(ev.DeskTaken(agent_id, extension))

    def is_on_the_phone(self, agent: Agent) -> bool:
        offer = self.driver.core.offers.of(agent.contact_id)
        is_theirs = offer is not None and offer.agent_id == agent.id
        is_asked = agent.state is AgentState.RESERVED and not is_theirs
        return agent.state is AgentState.BUSY or is_asked or (is_theirs and offer.state is OfferState.DELIVERED)
