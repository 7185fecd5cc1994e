"""Agents whom another agent asks about a contact: reserved from the request on, busy from the answer on."""

from collections.abc import Callable

from acd.core import events as ev
from acd.core.agents import Agent
from acd.core.offering import Offers
from acd.core.offers import Offer
from acd.core.roster import ENGAGED, Roster
from switchroom.domain.contact import VOICE
from switchroom.domain.errors import Refused, UnknownAgent
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId

BEGINS_WITHIN_S = 10.0
"""So long after the request the softswitch must have called the phone, or the agent is what they were."""


class Consultations:
    """``give_back`` ends an offer whose contact waits on; ``must_talk`` makes an agent busy whatever they were."""

    def __init__(
        self,
        roster: Roster,
        offers: Offers,
        give_back: Callable[[Offer], None],
        must_talk: Callable[[Agent, ContactId, float], None],
    ) -> None:
        self._roster, self._offers, self._give_back, self._must_talk = roster, offers, give_back, must_talk

    def request(self, event: ev.ConsultRequested, now: float) -> None:
        agent = self._roster.get(event.agent_id)
        if agent is None:
            raise UnknownAgent(event.agent_id)
        if agent.extension is None or not agent.phone_registered:
            raise Refused(f"The phone of agent {agent.id} cannot be reached.")
        if agent.state in ENGAGED:
            raise Refused(f"Agent {agent.id} is busy.")
        self._roster.consult(agent, event.contact_id, now, begins_by=now + BEGINS_WITHIN_S)

    def refused(self, event: ev.ConsultRefused, now: float) -> None:
        agent = self._roster.get(event.agent_id)
        if agent is not None and agent.asked:
            self._roster.release(agent.id, event.contact_id, now, now)

    def began(self, event: ev.ConsultBegan, now: float) -> None:
        agent = self._roster.get(event.agent_id)
        if agent is None:
            return
        offer = self._offers.to(agent)
        if offer is not None and not offer.is_ringing:
            self._give_back(offer)  # the question is at the phone first: it would be refused there
        if offer is None or not offer.is_ringing:
            self._roster.consult(agent, event.contact_id, now)

    def answered(self, event: ev.ConsultAnswered) -> None:
        agent = self._roster.get(event.agent_id)
        if agent is None or agent.state is AgentState.BUSY:
            return
        is_asked = self._offers.to(agent) is None and agent.state is AgentState.RESERVED
        if is_asked and agent.contact_id == event.contact_id:
            self._roster.connect(agent, event.at, VOICE)
        else:
            self._must_talk(agent, event.contact_id, event.at)

    def over(self, event: ev.ConsultOver, now: float) -> None:
        agent = self._roster.get(event.agent_id)
        if agent is not None and self._offers.to(agent) is None:
            self._roster.release(agent.id, event.contact_id, event.at, now)

    def due(self, agent_id: AgentId, now: float, *, steerable: bool) -> None:
        """It was not heard to begin: nothing comes of it, unless the softswitch cannot be heard now."""
        agent = self._roster.get(agent_id)
        assert agent is not None and agent.contact_id is not None, "only a request that stands is due"
        if steerable:
            self._roster.release(agent_id, agent.contact_id, now, now)
        else:
            self._roster.consult(agent, agent.contact_id, now, begins_by=now + BEGINS_WITHIN_S)
