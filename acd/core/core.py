"""The ACD's decisions: `Core.apply` takes an event and the time, and returns what is to be done."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from acd.core import events as ev
from acd.core.adoption import Adoption
from acd.core.agents import Agent
from acd.core.board import Board
from acd.core.consulting import Consultations
from acd.core.due import Due, What
from acd.core.effects import Deliver, Effect, LineAligned, Overflowed, Reserve
from acd.core.line import QueueEntry
from acd.core.offering import Offers
from acd.core.offers import BLAMED, FAILURES, Offer, OfferMove
from acd.core.parameters import Parameters
from acd.core.roster import ENGAGED, Roster
from acd.core.rules import Rules, standard
from acd.core.unserved import SLICE
from acd.core.waiting import Line
from switchroom.domain.contact import VOICE
from switchroom.domain.errors import Refused
from switchroom.domain.events import AgentState, OfferFailure
from switchroom.domain.ids import AgentId, ContactId, OfferId, QueueName

_RANK = attrgetter("rank")


class Core:
    """The line and the agents. Nothing is offered before the first `Reconciled`.

    Events change the state first; then every agent who became free, and every contact that came to wait, is matched.
    """

    def __init__(
        self,
        parameters: Parameters,
        new_offer_id: Callable[[], OfferId],
        now: float,
        rules: Rules | None = None,
    ) -> None:
        self._now = now
        self._effects: list[Effect] = []
        self._due = Due()
        self.steerable = False
        self.offers = Offers(parameters, new_offer_id, self._due, self._effects)
        self._line = Line(parameters, rules or standard(parameters.head_start), self._due, self._effects)
        self.roster = Roster(parameters, self._due, self._effects, self._agent_changed, now)
        self._adoption = Adoption(self._line, self.offers, self.roster, self._give_back, self._out_of_line)
        self._consultations = Consultations(self.roster, self.offers, self._give_back, self._adoption.must_talk)
        self._handlers: Mapping[type, Callable[[Any], None]] = {
            ev.ContactJoined: self._joined,
            ev.RequirementsChanged: self._requirements_changed,
            ev.ContactLeft: self._left,
            ev.TalkEnded: self._talk_ended,
            ev.ConsultRequested: lambda e: self._consultations.request(e, self._now),
            ev.ConsultRefused: lambda e: self._consultations.refused(e, self._now),
            ev.ConsultBegan: lambda e: self._consultations.began(e, self._now),
            ev.ConsultOver: lambda e: self._consultations.over(e, self._now),
            ev.ConsultAnswered: self._consultations.answered,
            ev.OfferConfirmed: self._confirmed,
            ev.OfferContested: self._contested,
            ev.OfferDelivered: self._delivered,
            ev.OfferAccepted: self._accepted,
            ev.OfferFailed: self._failed,
            ev.OfferFound: self._offer_found,
            ev.TalkFound: self._talk_found,
            ev.StateRequested: self._state_requested,
            ev.RequestWithdrawn: lambda e: self.roster.withdraw(e.agent_id, e.what, e.reason),
            ev.PhoneChanged: lambda e: self.roster.phone(e.extension, e.registered),
            ev.DeskTaken: self._desk_taken,
            ev.AgentsRestored: lambda e: self.roster.restore(e.agents, e.desks),
            ev.SwitchLost: self._switch_lost,
            ev.Reconciled: self._reconciled,
            ev.TimePassed: self._time_passed,
        }

    @property
    def next_due(self) -> float | None:
        """When `TimePassed` is to come at the latest."""
        return self._due.next()

    def apply(self, event: ev.Event, now: float) -> list[Effect]:
        """Change the state by ``event`` and say what is to be done, in order. Raises UnknownAgent
        or Refused, changing nothing."""
        self._now = now
        self._handlers[type(event)](event)
        if self._line.free or self._line.anew:
            self._match()
        effects = self._effects.copy()
        self._effects.clear()
        return effects

    @property
    def board(self) -> Board:
        return self._line.board

    @property
    def unserved(self) -> Mapping[QueueName, int]:
        """How many wait in each queue whom nobody on duty may serve."""
        return self._line.unserved.count

    def waiting(self) -> list[QueueEntry]:
        """All waiting contacts, those included that are offered."""
        return [*self._line.index.entries(), *(offer.entry for offer in self.offers)]

    # Contacts

    def _joined(self, event: ev.ContactJoined) -> None:
        if event.contact_id not in self._line.index and event.contact_id not in self.offers:
            entry = self._line.entry(event.contact_id, event.requirements, event.enqueued_at)
            self._line.join(entry, self._now)

    def _requirements_changed(self, event: ev.RequirementsChanged) -> None:
        offer = self.offers.of(event.contact_id)
        known = offer.entry if offer else self._line.index.get(event.contact_id)
        if known is None:
            return
        entry = self._line.entry(event.contact_id, event.requirements, known.enqueued_at)
        if offer is not None:
            offer.entry = entry
            self._line.board.joined(entry)
        elif entry != known:
            self._line.change(known, entry, self._now)

    def _left(self, event: ev.ContactLeft) -> None:
        self._out_of_line(event.contact_id)
        for agent_id in self.roster.engaged_with(event.contact_id):
            self.roster.release(agent_id, event.contact_id, event.at, self._now)

    def _talk_ended(self, event: ev.TalkEnded) -> None:
        # After a restart the ends of earlier talks are told again: the contact may be offered to the same agent by now.
        agent = self.roster.get(event.agent_id)
        if agent is not None and agent.state is AgentState.BUSY:
            self.roster.release(agent.id, event.contact_id, event.at, self._now)

    def _out_of_line(self, contact_id: ContactId, move: OfferMove = OfferMove.REVOKE) -> None:
        """The contact waits no longer, for any reason; an offer of it ends with ``move``."""
        offer = self.offers.of(contact_id)
        if offer is not None:
            self.offers.end(offer, move)
        if self._line.take_out(contact_id) or offer is not None:
            self._line.hide(contact_id)

    def _overflow(self, contact_id: ContactId) -> None:
        entry = self._line.index.get(contact_id)
        needs = None if entry is None else self._line.overflow(entry)
        if entry is not None and needs is not None:
            self._effects.append(Overflowed(contact_id, needs, entry.enqueued_at))
            self._requirements_changed(ev.RequirementsChanged(contact_id, needs))

    # Offers

    def _offer(self, entry: QueueEntry, agent_id: AgentId) -> None:
        offer = self.offers.make(entry, agent_id, self._now)
        self._line.take_out(entry.contact_id)
        self._effects.append(Reserve(offer))  # before its agent is seen as reserved
        self.roster.reserve(agent_id, entry.contact_id, entry.requirements.queue, self._now)

    def _confirmed(self, event: ev.OfferConfirmed) -> None:
        offer = self.offers.get(event.contact_id, event.offer_id)
        agent = self.roster.get(offer.agent_id) if offer else None
        if offer is None or agent is None or agent.extension is None or offer.withdrawn:
            return
        self._effects.append(Deliver(offer, agent.extension))

    def _contested(self, event: ev.OfferContested) -> None:
        if (offer := self.offers.get(event.contact_id, event.offer_id)) is not None:
            self.offers.withdraw(offer, self._now)

    def _delivered(self, event: ev.OfferDelivered) -> None:
        offer = self.offers.get(event.contact_id, event.offer_id)
        if offer is not None:
            offer.delivered()

    def _accepted(self, event: ev.OfferAccepted) -> None:
        offer = self._taken_by(event.agent_id, event.contact_id, OfferMove.ACCEPT)
        agent = self.roster.get(event.agent_id)
        if agent is not None and (agent.state, agent.contact_id) == (AgentState.RESERVED, event.contact_id):
            self.roster.connect(agent, event.at, offer.entry.requirements.channel if offer else VOICE)
        elif agent is not None and agent.state is not AgentState.BUSY:
            # An offer that was given up here had gone through in the softswitch: that is how it is.
            queue = offer.entry.requirements.queue if offer else None
            self._adoption.talk(agent, event.contact_id, queue, event.at)

    def _taken_by(self, agent_id: AgentId, contact_id: ContactId, move: OfferMove) -> Offer | None:
        """The agent has the contact: it waits no longer. Returns its offer, which is over, with ``move`` if theirs."""
        offer = self.offers.of(contact_id)
        is_theirs = offer is not None and offer.agent_id == agent_id
        self._out_of_line(contact_id, move if is_theirs else OfferMove.REVOKE)
        if offer is not None and not is_theirs:
            self.roster.release(offer.agent_id, contact_id, self._now, self._now)
        return offer

    def _failed(self, event: ev.OfferFailed) -> None:
        offer = self.offers.of(event.contact_id)
        if offer is None or not offer.is_meant(event.offer_id, event.agent_id):
            return  # a late word about another offer
        if event.failure is OfferFailure.SWITCH_FAILED:
            self.offers.withdraw(offer, self._now)
            return
        self.offers.end(offer, FAILURES[event.failure])
        if event.failure is OfferFailure.CALLER_LEFT:
            self._line.hide(event.contact_id)
        else:
            self._line.wait(offer.entry, self._now)
        agent = self.roster.get(event.agent_id)
        if agent is not None and (agent.state, agent.contact_id) == (AgentState.RESERVED, event.contact_id):
            if event.failure in BLAMED:
                self.roster.ring_no_answer(agent, self._now)
            else:
                self.roster.release(agent.id, event.contact_id, self._now, self._now)

    def _offer_due(self, contact_id: ContactId) -> None:
        """Nothing was heard of the offer: it ends here, unless the softswitch cannot be heard now.

        Then the reconciliation tells what became of it; should it not, the offer has as much time again.
        """
        offer = self.offers.of(contact_id)
        assert offer is not None, "only an offer that lives is due"
        if offer.withdrawn:
            self._give_back(offer)
        elif self.steerable:
            self._give_back(offer, OfferMove.TIME_OUT, unheard=True)
        else:
            self.offers.keep(offer, self._now)

    def _give_back(self, offer: Offer, move: OfferMove = OfferMove.REVOKE, *, unheard: bool = False) -> None:
        """The offer ends; the contact waits again in its place, and the agent is free."""
        self.offers.end(offer, move, unheard=unheard)
        self._line.wait(offer.entry, self._now)
        self.roster.release(offer.agent_id, offer.contact_id, self._now, self._now)

    # What is found after a restart

    def _offer_found(self, event: ev.OfferFound) -> None:
        self._adoption.offer(event, self._now)

    def _talk_found(self, event: ev.TalkFound) -> None:
        # Who had the contact besides may have it still, as the second of a consultation: `Reconciled` says.
        self._taken_by(event.agent_id, event.contact_id, OfferMove.REVOKE)
        agent = self.roster.get(event.agent_id)
        if agent is not None:
            self._adoption.talk(agent, event.contact_id, event.queue, event.since)

    def _switch_lost(self, event: ev.SwitchLost) -> None:
        self.steerable = False

    def _reconciled(self, event: ev.Reconciled) -> None:
        for entry in self.waiting():
            if entry.requirements.channel == event.channel and entry.contact_id not in event.live:
                self._out_of_line(entry.contact_id)
        for agent_id, contact_id in event.talking.items():
            self._adoption.must_talk(self.roster.get(agent_id), contact_id, self._now)
        for agent in self.roster:
            if not self._is_engaged(agent, event):
                self.roster.release(agent.id, agent.contact_id, self._now, self._now)
        self._effects.append(LineAligned())
        self.steerable = True
        self._line.free += [agent.id for agent in self.roster if agent.eligible]

    def _is_engaged(self, agent: Agent, found: ev.Reconciled) -> bool:
        """Reserved by an offer that lives, consulted or about to be, or serving a contact, also of another channel:
        nobody else is."""
        if agent.contact_id is None or found.talking.get(agent.id) == agent.contact_id or agent.asked:
            return agent.contact_id is not None
        is_offered = self.offers.to(agent) is not None
        return is_offered if agent.state is AgentState.RESERVED else agent.channel != found.channel

    # Agents

    def _agent_changed(self, agent: Agent) -> None:
        self._line.agent_changed(agent, self._now)

    def _state_requested(self, event: ev.StateRequested) -> None:
        self.roster.request(event.agent_id, event.what, event.reason, self._now)

    def _desk_taken(self, event: ev.DeskTaken) -> None:
        sat_there, agent = self.roster.at_desk(event.extension), self.roster.get(event.agent_id)
        if agent is not sat_there and any(map(self._is_on_the_phone, (sat_there, agent))):
            raise Refused("The phone is in use: choose another one, or wait for the end of the call.")
        self.roster.take_desk(event.agent_id, event.extension, self._now)
        if sat_there is agent:
            return
        for moved in (sat_there, agent):
            offer = self.offers.to(moved) if moved is not None else None
            if offer is not None and not offer.is_ringing and not offer.withdrawn:
                self._give_back(offer)  # it was to ring where they sit no longer

    def _is_on_the_phone(self, agent: Agent | None) -> bool:
        if agent is None or agent.state not in ENGAGED:
            return False
        offer = self.offers.to(agent)
        return offer is None or offer.is_ringing

    # Time, and matching

    def _time_passed(self, event: ev.TimePassed) -> None:
        for _ in range(SLICE):  # the rest when others had their turn
            if (key := self._due.pop(self._now)) is None:
                return
            what, name = key
            if what is What.OFFER:
                self._offer_due(ContactId(name))
            elif what is What.WRAP_UP:
                self.roster.end_wrap_up(AgentId(name), self._now)
            elif what is What.UNSERVED:
                self._overflow(ContactId(name))
            elif what is What.CONSULT:
                self._consultations.due(AgentId(name), self._now, steerable=self.steerable)
            else:
                self._line.unserved.look(self._now)
                return

    def _match(self) -> None:
        """An agent who is free gets the contact whose turn it is, a contact the agent who fits best."""
        free, anew = self._line.take_changes()
        if not self.steerable:
            return
        for agent_id in free:
            if (first := self._line.index.match_agent(agent_id)) is not None:
                self._offer(first, agent_id)
        waits = [entry for contact_id in anew if (entry := self._line.index.get(contact_id)) is not None]
        if len(waits) > 1:
            waits = sorted({entry.contact_id: entry for entry in waits}.values(), key=_RANK)
        for entry in waits:
            match = self._line.index.match_entry(entry.contact_id)
            if match is not None:
                self._offer(entry, match)
