"""Agents ask each other, answer, take over, leave: rules of the ACD's state machine."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from acd.core import events as ev
from acd.core.roster import ENGAGED
from switchroom.domain.errors import Refused
from switchroom.domain.ids import AgentId, ContactId
from tests.support.acd_agent_rules import AGENTS, AgentRules
from tests.support.acd_contact_rules import ContactRules
from tests.support.acd_world import LiveContact, Second, Talks


class ConsultRules(ContactRules, AgentRules):
    def free_to_be_asked(self) -> list[AgentId]:
        """Who has no contact, and sits somewhere."""
        roster = self.driver.core.roster
        return [one.id for one in roster if one.state not in ENGAGED and one.extension is not None]

    @precondition(lambda self: self.world.alone())
    @rule(data=st.data(), agent_id=AGENTS)
    def an_agent_is_to_be_asked(self, data: st.DataObject, agent_id: AgentId) -> None:
        contact = self.one_of(data, self.world.alone())
        agent = self.driver.core.roster.get(agent_id)
        assert agent is not None
        if agent.state in ENGAGED or not agent.phone_registered:
            with pytest.raises(Refused):
                self.tell(ev.ConsultRequested(contact.id, agent_id))
        else:
            self.requested(contact, agent_id)

    def requested(self, contact: LiveContact, agent_id: AgentId) -> None:
        self.check.questions.is_called_away(agent_id, contact.id)
        self.tell(ev.ConsultRequested(contact.id, agent_id))
        self.check.questions.is_reserved(agent_id, contact.id)
        self.requests.append((contact.id, agent_id))

    @precondition(lambda self: self.world.alone() and self.free_to_be_asked())
    @rule(data=st.data(), goes_on=st.sampled_from(["is asked", "rings", "talks", "joined"]))
    def an_agent_who_can_be_had_is_asked(self, data: st.DataObject, goes_on: str) -> None:
        """The usual case, so that something comes of the rest."""
        contact, agent_id = self.one_of(data, self.world.alone()), self.one_of(data, self.free_to_be_asked())
        agent = self.driver.core.roster.get(agent_id)
        assert agent is not None and agent.extension is not None
        self.phone(agent.extension, True)
        if agent.state in ENGAGED or not agent.phone_registered:
            return  # a contact waited for them; or their phone is not heard of now
        self.requested(contact, agent_id)
        if goes_on == "is asked":
            return
        while self.requests:
            self.a_question_rings()
        if contact.second is not None and goes_on != "rings":
            self.answers(contact)
            contact.second.phase = goes_on  # type: ignore[assignment]  # a literal

    @precondition(lambda self: self.requests)
    @rule()
    def a_question_rings(self) -> None:
        """The softswitch calls the phone, if there is still who asks."""
        contact_id, agent_id = self.requests.pop(0)
        contact = self.world.contacts.get(contact_id)
        if contact is None or not isinstance(contact.phase, Talks) or contact.second is not None:
            self.refuses(contact_id, agent_id)
            return
        if contact.phase.agent_id == agent_id:
            return
        self.check.questions.is_called_away(agent_id, contact_id)
        if self.world.is_busy(agent_id):  # the phone refuses: an offer that was given up rings there
            self.hear(ev.ConsultBegan(contact_id, agent_id))
            self.hear(ev.ConsultOver(contact_id, agent_id, self.driver.now()))
            return
        self.count += 1
        contact.second = Second(agent_id, self.count)
        if not self.lost:
            self.tell_second(contact)

    @precondition(lambda self: self.world.alone())
    @rule(data=st.data(), agent_id=AGENTS, is_answered=st.booleans())
    def a_question_rings_unexpected(self, data: st.DataObject, agent_id: AgentId, is_answered: bool) -> None:
        """The request had run out, or was made before a restart."""
        contact = self.one_of(data, self.world.alone())
        self.requests.insert(0, (contact.id, agent_id))
        self.a_question_rings()
        if is_answered and contact.second is not None:
            self.answers(contact)

    @precondition(lambda self: self.requests)
    @rule(is_said=st.booleans())
    def nothing_comes_of_a_question(self, is_said: bool) -> None:
        contact_id, agent_id = self.requests.pop(0)
        if is_said:
            self.refuses(contact_id, agent_id)

    def refuses(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self.tell(ev.ConsultRefused(contact_id, agent_id))
        self.check.questions.is_refused(agent_id)

    @precondition(lambda self: self.world.asking("rings"))
    @rule(data=st.data())
    def an_agent_answers_a_question(self, data: st.DataObject) -> None:
        self.answers(self.one_of(data, self.world.asking("rings")))

    def answers(self, contact: LiveContact) -> None:
        assert contact.second is not None
        contact.second.phase = "talks"
        if not self.lost:
            self.tell_second(contact)
            self.check.questions.is_busy(contact.second.agent_id, contact.id)

    @precondition(lambda self: self.world.asking("rings", "talks"))
    @rule(data=st.data())
    def a_question_ends(self, data: st.DataObject) -> None:
        """It was not answered, or one of the two went back."""
        contact = self.one_of(data, self.world.asking("rings", "talks"))
        assert contact.second is not None
        agent_id, contact.second = contact.second.agent_id, None
        self.hear(ev.ConsultOver(contact.id, agent_id, self.driver.now()))

    @precondition(lambda self: self.world.asking("talks"))
    @rule(data=st.data())
    def all_three_talk(self, data: st.DataObject) -> None:
        contact = self.one_of(data, self.world.asking("talks"))
        assert contact.second is not None
        contact.second.phase = "joined"

    @precondition(lambda self: self.world.asking("talks", "joined"))
    @rule(data=st.data())
    def the_second_has_the_caller_alone(self, data: st.DataObject) -> None:
        """They took over, or the first has left the conference."""
        contact = self.one_of(data, self.world.asking("talks", "joined"))
        assert contact.second is not None and isinstance(contact.phase, Talks)
        first, second = contact.phase.agent_id, contact.second.agent_id
        contact.phase, contact.second = Talks(second, self.driver.now()), None
        self.talk_ends(contact, first)
        self.hear(ev.OfferAccepted(contact.id, second, self.driver.now()))

    @precondition(lambda self: self.world.asking("joined"))
    @rule(data=st.data())
    def the_second_leaves_the_conference(self, data: st.DataObject) -> None:
        contact = self.one_of(data, self.world.asking("joined"))
        assert contact.second is not None
        second, contact.second = contact.second.agent_id, None
        self.talk_ends(contact, second)

    def tell_second(self, contact: LiveContact) -> None:
        """What of the second agent was not told yet."""
        second = contact.second
        told, contact.told_second = contact.told_second, None
        if told is not None and (second is None or second.number != told.number):
            has_it = isinstance(contact.phase, Talks) and contact.phase.agent_id == told.agent_id
            if not has_it:
                self.tell(ev.ConsultOver(contact.id, told.agent_id, self.driver.now()))
            told = None
        if second is None:
            return
        if told is None:
            self.check.questions.is_called_away(second.agent_id, contact.id)
            self.tell(ev.ConsultBegan(contact.id, second.agent_id))
        if second.phase != "rings" and (told is None or told.phase == "rings"):
            self.tell(ev.ConsultAnswered(contact.id, second.agent_id, self.driver.now()))
        contact.told_second = Second(second.agent_id, second.number, second.phase)
