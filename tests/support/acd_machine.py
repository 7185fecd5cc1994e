"""A state machine of hypothesis that plays contacts, agents, phones and the softswitch against the ACD.

What must hold is in `acd_invariants`. A driver brings the events to the core, or to the whole service; planted bugs
come as other drivers.
"""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.core import effects as ef
from acd.core import events as ev
from acd.core.agents import Agent, AgentMove
from acd.core.offering import RETRY_S
from acd.offers import Offer, OfferState
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.errors import Refused
from switchroom.domain.events import AgentState, OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension
from tests.support.acd_driver import Driver
from tests.support.acd_invariants import Invariants
from tests.support.acd_world import ANN, BOB, EVE, KINDS, LiveContact, PastTalk, Rings, Talks, Waits, World

AGENTS = st.sampled_from([ANN, BOB, EVE])
TIERS = st.sampled_from([CustomerTier.STANDARD, CustomerTier.GOLD])
BLAMED = st.sampled_from([OfferFailure.NO_ANSWER, OfferFailure.BUSY, OfferFailure.UNREACHABLE])
REQUESTS = st.sampled_from([AgentMove.READY, AgentMove.READY, AgentMove.PAUSE, AgentMove.PAUSE, AgentMove.LOG_OUT])
RARELY = st.integers(0, 3).map(lambda drawn: drawn == 0)
"""For what leaves little behind: or nothing else comes of anything."""

BOUNDS = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
"""The same steps each time, and none of them made small: a test, not a hunt."""


class AcdMachine(RuleBasedStateMachine):
    """Subclasses say which `Driver`."""

    make_driver: Callable[[], Driver]

    def __init__(self) -> None:
        super().__init__()
        self.driver = type(self).make_driver()
        self.world = World()
        self.check = Invariants(self.driver, self.world)
        self.to_confirm: list[Offer] = []
        self.to_deliver: list[Offer] = []
        self.over: list[Offer] = []
        """Offers that ended: late words are about these."""
        self.lost = False
        self.count = 0
        self.tell(ev.Reconciled(frozenset(), {}))

    def teardown(self) -> None:
        self.driver.close()

    def tell(self, event: ev.Event) -> None:
        before = self.check.before(event)
        self.driver.tell(event, lambda effects: self.take(effects, before))

    def take(self, effects: list[ef.Effect], before: object = None) -> None:
        for effect in effects:
            match effect:
                case ef.Reserve(offer) if not self.driver.confirms:
                    self.to_confirm.append(offer)
                case ef.Deliver(offer, extension):
                    assert self.driver.core.roster.at_desk(extension) is not None, "the phone where nobody sits"
                    self.to_deliver.append(offer)
                case ef.OfferEnded(offer, state, _):
                    self.over.append(offer)
                    self.to_confirm = [one for one in self.to_confirm if one is not offer]
                    if state is not OfferState.ACCEPTED:
                        self.to_deliver = [one for one in self.to_deliver if one is not offer]
                case ef.Overflowed(contact_id, requirements, _):
                    if (contact := self.world.contacts.get(contact_id)) is not None:
                        contact.needs = requirements
        self.check.effects(effects, before)

    def hear(self, event: ev.Event) -> None:
        """What the softswitch says, if it can be heard."""
        if not self.lost:
            self.tell(event)

    @initialize(states=st.tuples(*(st.sampled_from([AgentMove.READY, AgentMove.READY, AgentMove.PAUSE, None]),) * 3))
    def the_day_begins(self, states: tuple[AgentMove | None, ...]) -> None:
        for agent_id, what in zip((ANN, BOB, EVE), states, strict=True):
            if what is not None:
                self.phone(Extension(agent_id), True)
                self.an_agent_asks(agent_id, what, None)

    # Contacts

    @rule(kind=st.sampled_from([*KINDS, KINDS[0]]), tier=TIERS)
    def a_contact_joins(self, kind: tuple[object, dict[str, int]], tier: CustomerTier) -> None:
        if len(self.world.contacts) > 10:
            return
        self.count += 1
        queue, skills = kind
        needs = Requirements(queue, skills, tier)  # type: ignore[arg-type]  # strategies are not typed
        contact = LiveContact(ContactId(f"c{self.count}"), needs, self.driver.now())
        self.world.contacts[contact.id] = contact
        self.hear(ev.ContactJoined(contact.id, needs, contact.enqueued_at))

    @precondition(lambda self: self.world.contacts)
    @rule(data=st.data(), talk_is_told=st.booleans())
    def a_contact_leaves(self, data: st.DataObject, talk_is_told: bool) -> None:
        contact = self.one_of(data, list(self.world.contacts.values()))
        del self.world.contacts[contact.id]
        if isinstance(contact.phase, Talks) and talk_is_told:
            self.talk_ends(contact, contact.phase.agent_id)
        if isinstance(contact.phase, Rings):
            offer = contact.phase
            self.hear(ev.OfferFailed(contact.id, offer.offer_id, offer.agent_id, OfferFailure.CALLER_LEFT))
            self.check.is_not_blamed(offer.agent_id, heard=not self.lost)
        self.hear(ev.ContactLeft(contact.id, self.driver.now()))

    @precondition(lambda self: self.world.contacts and not self.lost)
    @rule(data=st.data(), tier=TIERS)
    def a_tier_is_learned(self, data: st.DataObject, tier: CustomerTier) -> None:
        contact = self.one_of(data, list(self.world.contacts.values()))
        if not isinstance(contact.phase, Talks):
            self.tell(ev.RequirementsChanged(contact.id, contact.ask_for(tier)))

    @precondition(lambda self: self.world.contacts and not self.lost)
    @rule(data=st.data())
    def a_contact_joins_again(self, data: st.DataObject) -> None:
        """It is said twice: nothing changes."""
        contact = self.one_of(data, list(self.world.contacts.values()))
        if not isinstance(contact.phase, Talks):
            self.tell(ev.ContactJoined(contact.id, contact.needs, self.driver.now()))

    @precondition(lambda self: self.world.talking())
    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def a_contact_is_transferred(self, data: st.DataObject, kind: tuple[object, dict[str, int]]) -> None:
        """It talks no more, and waits again, in a place of its own."""
        contact = self.one_of(data, self.world.talking())
        assert isinstance(contact.phase, Talks)
        agent_id, contact.phase = contact.phase.agent_id, Waits()
        queue, skills = kind
        contact.needs = Requirements(queue, skills, contact.needs.tier)  # type: ignore[arg-type]
        contact.enqueued_at = self.driver.now()
        self.talk_ends(contact, agent_id)
        self.hear(ev.ContactJoined(contact.id, contact.needs, contact.enqueued_at))

    def talk_ends(self, contact: LiveContact, agent_id: AgentId) -> None:
        contact.talks.append(PastTalk(agent_id, self.driver.now()))
        if not self.lost:
            self.tell_talks(contact)
            self.check.writes_up(agent_id, contact.id)

    def tell_talks(self, contact: LiveContact) -> None:
        """The ends of talks, those too of which nothing was heard when they came."""
        for talk in contact.talks[contact.talks_told :]:
            reserved = self.check.reserved()
            self.tell(ev.TalkEnded(contact.id, talk.agent_id, talk.ended_at))
            assert reserved <= self.check.reserved(), "the end of a talk took somebody from their offer"
        contact.talks_told = len(contact.talks)

    # Offers

    @precondition(lambda self: self.to_confirm)
    @rule()
    def the_offers_are_confirmed(self) -> None:
        while self.to_confirm:
            offer = self.to_confirm.pop(0)
            self.tell(ev.OfferConfirmed(offer.contact_id, offer.id))

    @precondition(lambda self: self.to_confirm)
    @rule()
    def another_server_was_first(self) -> None:
        offer = self.to_confirm.pop(0)
        self.check.must_pause(offer, RETRY_S)
        self.tell(ev.OfferContested(offer.contact_id, offer.id))

    @precondition(lambda self: self.to_deliver or self.to_confirm)
    @rule()
    def the_phones_ring(self) -> None:
        self.the_offers_are_confirmed()
        while self.to_deliver:
            self.ring(self.to_deliver.pop(0))

    @precondition(lambda self: self.to_confirm)
    @rule()
    def the_phones_ring_and_are_answered(self) -> None:
        """The usual case, so that something comes of the rest."""
        self.the_phones_ring()
        for contact in self.world.ringing():
            self.answer(contact)

    def ring(self, offer: Offer) -> None:
        contact = self.world.contacts.get(offer.contact_id)
        if self.lost or contact is None or not isinstance(contact.phase, Waits) or self.world.is_busy(offer.agent_id):
            if contact is not None and isinstance(contact.phase, Waits):
                self.refused(offer)
            return
        contact.phase = Rings(offer.agent_id, offer.id)
        self.tell(ev.OfferDelivered(offer.contact_id, offer.id))

    @precondition(lambda self: self.to_deliver)
    @rule()
    def a_ring_is_refused(self) -> None:
        self.refused(self.to_deliver.pop(0))

    def refused(self, offer: Offer) -> None:
        self.check.must_pause(offer, RETRY_S)
        self.tell(ev.OfferFailed(offer.contact_id, offer.id, offer.agent_id, OfferFailure.SWITCH_FAILED))

    @precondition(lambda self: self.world.ringing())
    @rule(data=st.data())
    def an_agent_answers(self, data: st.DataObject) -> None:
        self.answer(self.one_of(data, self.world.ringing()))

    def answer(self, contact: LiveContact) -> None:
        assert isinstance(contact.phase, Rings)
        contact.phase = Talks(contact.phase.agent_id, self.driver.now())
        self.hear(ev.OfferAccepted(contact.id, contact.phase.agent_id, contact.phase.since))

    @precondition(lambda self: self.world.ringing())
    @rule(data=st.data(), failure=BLAMED)
    def an_agent_does_not_answer(self, data: st.DataObject, failure: OfferFailure) -> None:
        contact = self.one_of(data, self.world.ringing())
        assert isinstance(contact.phase, Rings)
        rang, contact.phase = contact.phase, Waits()
        offer = self.driver.core.offers.get(contact.id, rang.offer_id)
        self.hear(ev.OfferFailed(contact.id, rang.offer_id, rang.agent_id, failure))
        if offer is not None and not self.lost:
            self.check.is_blamed(rang.agent_id, contact.id)

    @precondition(lambda self: self.over)
    @rule(data=st.data(), failure=BLAMED)
    def a_late_word_comes(self, data: st.DataObject, failure: OfferFailure) -> None:
        offered_again = [one for one in self.over if one.contact_id in self.driver.core.offers]
        offer = self.one_of(data, offered_again or self.over[-3:])
        if self.driver.core.offers.get(offer.contact_id, offer.id) is not None:
            return  # found ringing after it was given up: it lives again
        if self.world.phase(offer.contact_id) == Rings(offer.agent_id, offer.id):
            return  # given up here, it rings all the same: no late word
        before = self.check.picture()
        self.tell(ev.OfferFailed(offer.contact_id, offer.id, offer.agent_id, failure))
        assert self.check.picture() == before, "a late word about another offer changed something"

    # Agents

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
        return agent.state is AgentState.BUSY or (offer is not None and offer.state is OfferState.DELIVERED)

    # Time, faults

    @rule(seconds=st.sampled_from([0.5, 2.0, 11.0, 31.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.driver.sleep(seconds, self.take)

    @precondition(lambda self: self.world.ringing())
    @rule()
    def it_rings_for_too_long(self) -> None:
        """The offer is given up here, and rings all the same."""
        self.driver.sleep(35.0, self.take)
        self.the_softswitch_is_reconciled()

    @precondition(lambda self: not self.lost)
    @rule()
    def the_softswitch_is_lost(self) -> None:
        self.lost = True
        self.tell(ev.SwitchLost())

    @rule()
    def the_softswitch_is_reconciled(self) -> None:
        """It is asked for the whole picture: regularly, and when it is back."""
        self.lost = False
        core, contacts = self.driver.core, self.world.contacts
        for extension, registered in self.world.phones.items():
            self.tell(ev.PhoneChanged(extension, registered))
        for entry in core.waiting():
            if entry.contact_id not in contacts:
                self.tell(ev.ContactLeft(entry.contact_id, self.driver.now()))
        for contact in contacts.values():
            self.tell_talks(contact)
            self.align(contact)
        talking = {c.phase.agent_id: c.id for c in contacts.values() if isinstance(c.phase, Talks)}
        self.tell(ev.Reconciled(frozenset(contacts), talking))
        self.driver.sleep(0.0, self.take)  # what was told late may be due

    def align(self, contact: LiveContact) -> None:
        offer = self.driver.core.offers.of(contact.id)
        match contact.phase:
            case Waits():
                if offer is not None and offer.is_ringing:
                    word = ev.OfferFailed(contact.id, offer.id, offer.agent_id, OfferFailure.SWITCH_FAILED)
                    self.check.must_pause(offer, RETRY_S)
                    self.tell(word)
                else:
                    self.tell(ev.ContactJoined(contact.id, contact.needs, contact.enqueued_at))
            case Rings(agent_id, offer_id):
                if offer is None or (offer.id, offer.state) != (offer_id, OfferState.DELIVERED):
                    self.tell(ev.OfferFound(contact.id, offer_id, agent_id, contact.needs, contact.enqueued_at))
            case Talks(agent_id, since):
                self.tell(ev.TalkFound(contact.id, agent_id, contact.needs.queue, since))

    @rule(really=RARELY)
    def the_acd_is_restarted(self, really: bool) -> None:
        """What survives: the channels in the softswitch, and the agents' last states in the ledger."""
        if not really:
            return
        self.driver.restart(self.check.known_agents())
        self.to_confirm, self.to_deliver, self.over = [], [], []
        self.lost = True
        self.check.restarted()
        for contact in self.world.contacts.values():
            contact.talks_told = 0  # a new ACD is told of all of them
        self.the_softswitch_is_reconciled()
        for contact in self.world.ringing():
            assert isinstance(contact.phase, Rings)
            assert self.driver.core.offers.get(contact.id, contact.phase.offer_id), "an offer that rings is forgotten"

    # What must hold

    @invariant()
    def it_holds(self) -> None:
        self.check.hold(lost=self.lost)

    def one_of(self, data: st.DataObject, things: list[object]) -> object:  # type: ignore[override]
        return data.draw(st.sampled_from(things))
