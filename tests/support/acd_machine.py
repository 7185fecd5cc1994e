"""A state machine of hypothesis that plays contacts, agents, phones and the softswitch against the ACD.

What contacts, offers and agents may do, also with each other, is in `acd_contact_rules`, `acd_offer_rules`,
`acd_agent_rules` and `acd_consult_rules`; what must hold is in `acd_invariants` and `acd_questions`. A driver brings
the events to the core, or to the whole service; planted bugs come as other drivers.
"""

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from acd.core import events as ev
from acd.core.agents import AgentMove
from acd.core.offering import RETRY_S
from acd.core.offers import OfferState
from switchroom.domain.contact import CustomerTier
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import Extension
from tests.support.acd_consult_rules import ConsultRules
from tests.support.acd_offer_rules import OfferRules
from tests.support.acd_stage import RARELY
from tests.support.acd_world import ANN, BOB, EVE, KINDS, LiveContact, Rings, Talks, Waits

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


class AcdMachine(ConsultRules, OfferRules):
    """Subclasses say which `Driver`."""

    @initialize(
        states=st.tuples(*(st.sampled_from([AgentMove.READY, AgentMove.READY, AgentMove.PAUSE, None]),) * 3),
        somebody_talks=st.booleans(),
    )
    def the_day_begins(self, states: tuple[AgentMove | None, ...], somebody_talks: bool) -> None:
        for agent_id, what in zip((ANN, BOB, EVE), states, strict=True):
            if what is not None:
                self.phone(Extension(agent_id), True)
                self.an_agent_asks(agent_id, what, None)
        if somebody_talks:
            self.a_contact_joins(KINDS[0], CustomerTier.STANDARD)
            self.the_phones_ring_and_are_answered()

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

    @rule(questions_are_told=st.booleans())
    def the_softswitch_is_reconciled(self, questions_are_told: bool = True) -> None:
        """It is asked for the whole picture: regularly, and when it is back. What of questions is not told one by one
        follows from the picture."""
        self.check.questions.is_heard_again(was_lost=self.lost)
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
            if questions_are_told:
                self.tell_second(contact)
        talking = {c.phase.agent_id: c.id for c in contacts.values() if isinstance(c.phase, Talks)}
        talking |= {c.second.agent_id: c.id for c in contacts.values() if c.second is not None}
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
                before = self.check.questions.second_of(contact)
                self.tell(ev.TalkFound(contact.id, agent_id, contact.needs.queue, since))
                assert self.check.questions.second_of(contact) == before, "the second agent is not what they were"

    @rule(really=RARELY)
    def the_acd_is_restarted(self, really: bool) -> None:
        """What survives: the channels in the softswitch, and the agents' last states in the ledger."""
        if not really:
            return
        self.driver.restart(self.check.known_agents())
        self.to_confirm, self.to_deliver, self.over, self.requests = [], [], [], []
        self.lost = True
        self.check.restarted()
        for contact in self.world.contacts.values():
            contact.talks_told, contact.told_second = 0, None  # a new ACD is told of all of them
        self.the_softswitch_is_reconciled()
        for contact in self.world.ringing():
            assert isinstance(contact.phase, Rings)
            assert self.driver.core.offers.get(contact.id, contact.phase.offer_id), "an offer that rings is forgotten"

    # What must hold

    @invariant()
    def it_holds(self) -> None:
        self.check.hold(lost=self.lost)
