"""Offers are confirmed, ring, are answered or not, and words about them come late: rules of the ACD's state machine."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from acd.core import events as ev
from acd.core.offering import RETRY_S
from acd.core.offers import Offer
from switchroom.domain.events import OfferFailure
from tests.support.acd_stage import Stage
from tests.support.acd_world import LiveContact, Rings, Talks, Waits

BLAMED = st.sampled_from([OfferFailure.NO_ANSWER, OfferFailure.BUSY, OfferFailure.UNREACHABLE])


class OfferRules(Stage):
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

    @precondition(lambda self: self.to_deliver or self.to_confirm)
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
