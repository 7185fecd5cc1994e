"""An agent asks another while the caller hears music: they return, or hand the caller over."""

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome
from switchroom.domain.errors import Refused
from switchroom.domain.events import (
    AgentRang,
    ConsultAnswered,
    ConsultEnded,
    ConsultEnding,
    ConsultStarted,
    ContactConnected,
    ContactEnded,
    ContactResumed,
    OfferFailure,
    TalkEnded,
)
from switchroom.domain.ids import ContactId
from switchroom.domain.leg import LegState, Party
from telephony.softswitch.port import AgentAnswered, AgentRinging, ConsultBegan, ConsultOver
from tests.fakes.fake_talks import Behaviour
from tests.fixtures.call_talks import BOBS_PHONE, consulting, legs, talking, talks, told
from tests.fixtures.calls_house import ANN, BOB, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_a_consultation_then_there_are_three_legs_and_the_agent_can_return(house: House) -> None:
    contact_id = await consulting(house)
    assert house.state(contact_id) is CallState.CONSULTING
    assert legs(house, contact_id) == [
        (Party.CALLER, None, LegState.HELD),
        (Party.AGENT, ANN, LegState.UP),
        (Party.EXPERT, BOB, LegState.UP),
    ]
    await house.calls.talks.resume(contact_id, ANN)
    await settle()
    assert told(house) == [ConsultStarted, ConsultAnswered, ConsultEnded, ContactResumed]
    assert [event.ending for event in house.of(ConsultEnded)] == [ConsultEnding.RETURNED]
    assert len(legs(house, contact_id)) == 2
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert talks(house) == [(ANN, 15)]


@pytest.mark.parametrize(
    ("behaviour", "failure", "ending"),
    [
        ("rings", OfferFailure.NO_ANSWER, ConsultEnding.NO_ANSWER),
        ("busy", None, ConsultEnding.BUSY),
    ],
)
async def test_given_a_question_that_nobody_takes_then_the_caller_is_back(
    house: House, behaviour: Behaviour, failure: OfferFailure | None, ending: ConsultEnding
) -> None:
    contact_id = await consulting(house, behaviour)
    if failure is not None:
        assert legs(house, contact_id)[2] == (Party.EXPERT, BOB, LegState.RINGING)
        with pytest.raises(Refused, match="not answered"):
            await house.calls.talks.complete(contact_id, ANN)
        house.switch.fail(contact_id, failure)
        await settle()
    assert told(house) == [ConsultStarted, ConsultEnded, ContactResumed]
    assert [event.ending for event in house.of(ConsultEnded)] == [ending]
    assert house.state(contact_id) is CallState.CONNECTED


async def test_given_a_consulted_agent_who_hangs_up_then_the_caller_is_back(house: House) -> None:
    contact_id = await consulting(house)
    house.switch.expert_hangs_up(contact_id)
    await settle()
    assert [event.ending for event in house.of(ConsultEnded)] == [ConsultEnding.CONSULTED_LEFT]
    assert house.state(contact_id) is CallState.CONNECTED


async def test_given_a_caller_who_leaves_in_a_consultation_then_all_is_over(house: House) -> None:
    contact_id = await consulting(house)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert told(house) == [ConsultStarted, ConsultAnswered, TalkEnded, ConsultEnded, ContactEnded]
    assert [event.ending for event in house.of(ConsultEnded)] == [ConsultEnding.CALLER_LEFT]
    assert talks(house) == [(ANN, 15)]


async def test_given_an_attended_transfer_then_one_talk_ends_and_the_next_begins(house: House) -> None:
    contact_id = await consulting(house)
    await house.calls.talks.complete(contact_id, ANN)
    await settle()
    assert told(house)[2:] == [TalkEnded, ConsultEnded, ContactConnected]
    assert [event.ending for event in house.of(ConsultEnded)] == [ConsultEnding.HANDED_OVER]
    assert legs(house, contact_id)[1:] == [(Party.AGENT, BOB, LegState.UP)]
    house.clock.advance(30)
    with pytest.raises(Refused):
        await house.calls.talks.hold(contact_id, ANN)
    await house.calls.talks.hold(contact_id, BOB)
    await settle()
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert talks(house) == [(ANN, 15), (BOB, 30)]
    [ended] = house.of(ContactEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.CONNECTED, BOB)


@pytest.mark.parametrize("answered", [True, False])
async def test_given_a_second_leg_that_is_told_of_before_the_consultation_then_it_is_the_experts_all_the_same(
    house: House, answered: bool
) -> None:
    contact_id = await talking(house)
    rings, answers = await overtaking(house, contact_id)
    house.switch.tell(rings)
    if answered:
        house.switch.tell(answers)
    house.switch.tell(ConsultBegan(contact_id=contact_id, offer_id=rings.offer_id, agent_id=BOB))
    await settle()
    assert house.state(contact_id) is CallState.CONSULTING
    assert legs(house, contact_id)[2] == (Party.EXPERT, BOB, LegState.UP if answered else LegState.RINGING)
    assert told(house) == [ConsultStarted, ConsultAnswered][: 1 + answered]
    assert house.of(AgentRang) == []
    if answered:
        await house.calls.talks.complete(contact_id, ANN)


async def test_given_a_consultation_that_fails_before_it_is_told_of_then_the_reason_is_kept(house: House) -> None:
    contact_id = await talking(house)
    rings, _ = await overtaking(house, contact_id)
    began = ConsultBegan(contact_id=contact_id, offer_id=rings.offer_id, agent_id=BOB)
    failed = ConsultOver(contact_id=contact_id, offer_id=rings.offer_id, agent_id=BOB, failure=OfferFailure.UNREACHABLE)
    for event in (failed, began):
        house.switch.tell(event)
    await house.switch.resume(contact_id)
    await settle()
    assert told(house) == [ConsultStarted, ConsultEnded, ContactResumed]
    assert [event.ending for event in house.of(ConsultEnded)] == [ConsultEnding.UNREACHABLE]
    house.switch.tell(rings)
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED


async def overtaking(house: House, contact_id: ContactId) -> tuple[AgentRinging, AgentAnswered]:
    """A consultation of which the test tells; what the second leg does."""
    house.switch.register(BOBS_PHONE, "answers")
    house.switch.deaf = True
    await house.calls.talks.consult(contact_id, ANN, BOB, BOBS_PHONE)
    house.switch.deaf = False
    second = house.switch.lines[contact_id].live.second
    assert second is not None
    return (
        AgentRinging(contact_id=contact_id, offer_id=second.offer_id, agent_id=BOB),
        AgentAnswered(contact_id=contact_id, offer_id=second.offer_id, agent_id=BOB),
    )
