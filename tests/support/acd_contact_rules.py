"""Contacts come, change, are transferred and leave: rules of the ACD's state machine."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from acd.core import events as ev
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId
from tests.support.acd_stage import Stage
from tests.support.acd_world import KINDS, LiveContact, PastTalk, Rings, Second, Talks, Waits

TIERS = st.sampled_from([CustomerTier.STANDARD, CustomerTier.GOLD])


class ContactRules(Stage):
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
            if contact.second is not None:
                self.second_leaves(contact, contact.second)
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
        """It talks no more, and waits again, in a place of its own; out of a consultation when the agent is gone."""
        contact = self.one_of(data, self.world.talking())
        assert isinstance(contact.phase, Talks)
        agent_id, contact.phase = contact.phase.agent_id, Waits()
        queue, skills = kind
        contact.needs = Requirements(queue, skills, contact.needs.tier)  # type: ignore[arg-type]
        contact.enqueued_at = self.driver.now()
        self.talk_ends(contact, agent_id)
        if contact.second is not None:
            self.second_leaves(contact, contact.second)
        self.hear(ev.ContactJoined(contact.id, contact.needs, contact.enqueued_at))

    def second_leaves(self, contact: LiveContact, second: Second) -> None:
        contact.second = None
        if second.phase == "joined":
            self.talk_ends(contact, second.agent_id)
        else:
            self.hear(ev.ConsultOver(contact.id, second.agent_id, self.driver.now()))

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
