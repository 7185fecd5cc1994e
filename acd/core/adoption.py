"""What the softswitch holds is how it is: offers and talks that began unheard, or before a restart, are taken up."""

from collections.abc import Callable

from acd.core import events as ev
from acd.core.agents import Agent
from acd.core.offering import Offers
from acd.core.offers import Offer, OfferMove
from acd.core.roster import ENGAGED, Roster
from acd.core.waiting import Line
from switchroom.domain.events import AgentState
from switchroom.domain.ids import ContactId, QueueName


class Adoption:
    """``give_back`` ends an offer whose contact waits on, ``out_of_line`` lets a contact wait no longer."""

    def __init__(
        self,
        line: Line,
        offers: Offers,
        roster: Roster,
        give_back: Callable[[Offer], None],
        out_of_line: Callable[[ContactId], None],
    ) -> None:
        self._line, self._offers, self._roster = line, offers, roster
        self._give_back, self._out_of_line = give_back, out_of_line

    def offer(self, event: ev.OfferFound, now: float) -> None:
        # An agent who is no longer in agents.yaml may still be rung: nobody to reserve, but the contact is kept.
        self._line.take_out(event.contact_id)
        before = self._offers.of(event.contact_id)
        if before is not None and before.agent_id == event.agent_id and event.offer_id in (before.id, None):
            self._offers.keep(before, now)
            before.delivered()
            return
        if before is not None:
            self._offers.end(before, OfferMove.REVOKE)
            if before.agent_id != event.agent_id:
                self._roster.release(before.agent_id, event.contact_id, now, now)
        entry = self._line.entry(event.contact_id, event.requirements, event.enqueued_at)
        self._line.show(entry)
        self._offers.found(entry, event.agent_id, event.offer_id, now)
        agent = self._roster.get(event.agent_id)
        if agent is not None:
            self._roster.adopt(agent, AgentState.RESERVED, event.contact_id, entry.requirements.queue, now)
            self._give_back_others(agent, event.contact_id)

    def talk(self, agent: Agent, contact_id: ContactId, queue: QueueName | None, since: float) -> None:
        self._roster.adopt(agent, AgentState.BUSY, contact_id, queue or self._roster.queue_of(contact_id), since)
        self._give_back_others(agent, contact_id)

    def must_talk(self, agent: Agent | None, contact_id: ContactId, since: float) -> None:
        """The agent talks about this contact, or is asked about it: something of that may have been missed."""
        if agent is None:
            return
        if agent.contact_id == contact_id and agent.state in ENGAGED and self._offers.to(agent) is None:
            self._roster.consult(agent, contact_id, since)  # it is no request any more
            return
        self._out_of_line(contact_id)
        self.talk(agent, contact_id, None, since)

    def _give_back_others(self, agent: Agent, contact_id: ContactId) -> None:
        """The agent has this contact: what else they are reserved for goes on without them."""
        for offer in [one for one in self._offers if one.agent_id == agent.id]:
            if offer.contact_id != contact_id:
                self._give_back(offer)
