"""What an agent does with a caller: the call's states, its legs, and what is said of them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.events import (
    AgentJoined,
    ConsultAnswered,
    ConsultEnded,
    ConsultEnding,
    ConsultStarted,
    ContactAdopted,
    ContactConnected,
    ContactEnded,
    ContactHeld,
    ContactQueued,
    ContactResumed,
    ContactTransferred,
    OfferFailure,
    Reconciled,
    TalkEnded,
)
from switchroom.domain.ids import AgentId, ContactId, Extension
from switchroom.domain.leg import LegState, Party
from telephony.softswitch.port import SwitchError
from telephony.talk_requests import EFFECT_WITHIN_S
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.fakes.fake_talks import Behaviour
from tests.support.virtual_time import settle
from tests.unit.test_switchroom_calls import COMPLAINTS, House

pytestmark = pytest.mark.virtual_time

ANN, BOB = AgentId("1001"), AgentId("1002")
BOBS_PHONE = Extension("1002")
TOLD = (
    *(ContactConnected, ContactHeld, ContactResumed, ConsultStarted, ConsultAnswered, ConsultEnded, AgentJoined),
    *(TalkEnded, ContactTransferred, ContactQueued, ContactEnded),
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    found = House()
    await found.calls.start()
    await settle()
    yield found
    await found.calls.stop()


async def talking(house: House) -> ContactId:
    house.switch.register(Extension(ANN), "answers")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    await settle()
    house.seen.clear()
    house.clock.advance(10)
    return contact_id


async def held(house: House) -> ContactId:
    contact_id = await talking(house)
    await house.calls.talks.hold(contact_id, ANN)
    await settle()
    return contact_id


async def consulting(house: House, behaviour: Behaviour = "answers") -> ContactId:
    contact_id = await talking(house)
    house.switch.register(BOBS_PHONE, behaviour)
    await house.calls.talks.consult(contact_id, ANN, BOB, BOBS_PHONE)
    await settle()
    house.clock.advance(5)
    return contact_id


async def conference(house: House) -> ContactId:
    contact_id = await consulting(house)
    await house.calls.talks.conference(contact_id, ANN)
    await settle()
    house.clock.advance(7)
    return contact_id


def told(house: House) -> list[type]:
    return [type(event) for event in house.seen if isinstance(event, TOLD)]


def legs(house: House, contact_id: ContactId) -> list[tuple[Party, AgentId | None, LegState]]:
    return [(leg.party, leg.agent_id, leg.state) for leg in house.calls._calls.known(contact_id).legs]


def talks(house: House) -> list[tuple[AgentId, float]]:
    """Who talked to the customer, and for how many seconds."""
    return [(event.agent_id, (event.at - event.began_at).total_seconds()) for event in house.of(TalkEnded)]


async def test_given_a_talk_when_held_and_resumed_then_it_is_one_talk(house: House) -> None:
    contact_id = await held(house)
    assert house.state(contact_id) is CallState.HELD
    assert legs(house, contact_id) == [
        (Party.CALLER, None, LegState.HELD),
        (Party.AGENT, ANN, LegState.UP),
    ]
    house.clock.advance(20)
    await house.calls.talks.resume(contact_id, ANN)
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    assert legs(house, contact_id)[0] == (Party.CALLER, None, LegState.UP)
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert told(house) == [ContactHeld, ContactResumed, TalkEnded, ContactEnded]
    assert talks(house) == [(ANN, 30)]


async def test_given_a_state_that_does_not_allow_it_then_it_is_refused_in_words_and_nothing_is_done(
    house: House,
) -> None:
    contact_id = await talking(house)
    requests = house.calls.talks
    for refused in (
        requests.resume(contact_id, ANN),
        requests.complete(contact_id, ANN),
        requests.conference(contact_id, ANN),
        requests.hold(contact_id, BOB),
        requests.consult(contact_id, ANN, ANN, Extension(ANN)),
    ):
        with pytest.raises(Refused):
            await refused
    with pytest.raises(UnknownContact):
        await requests.hold(ContactId("nobody"), ANN)
    assert {command.name for command in house.switch.commands} <= {"wait", "connect"}


async def test_given_a_command_whose_effect_is_not_seen_yet_then_no_other_is_taken_for_a_while(house: House) -> None:
    contact_id = await talking(house)
    house.switch.deaf = True
    await house.calls.talks.hold(contact_id, ANN)
    with pytest.raises(Refused, match="about to change"):
        await house.calls.talks.hold(contact_id, ANN)
    house.clock.advance(EFFECT_WITHIN_S)
    house.switch.refuse["hold"] = SwitchError("no answer")
    with pytest.raises(Refused, match="the call goes on"):
        await house.calls.talks.hold(contact_id, ANN)


async def test_given_a_caller_who_leaves_while_held_then_they_were_served(house: House) -> None:
    contact_id = await held(house)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert told(house) == [ContactHeld, TalkEnded, ContactEnded]
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.CONNECTED]


@pytest.mark.parametrize("in_consultation", [False, True])
async def test_given_an_agent_whose_phone_is_gone_while_the_caller_hears_music_then_the_caller_is_in_their_old_place(
    house: House, in_consultation: bool
) -> None:
    contact_id = await (consulting if in_consultation else held)(house)
    [before] = (await house.switch.snapshot()).calls
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    assert house.of(ContactTransferred) == []
    [queued] = house.of(ContactQueued)
    assert before.waiting is not None and queued.enqueued_at == before.waiting.enqueued_at
    assert [event.ending for event in house.of(ConsultEnded)] == ([ConsultEnding.AGENT_LEFT] if in_consultation else [])
    assert legs(house, contact_id) == [(Party.CALLER, None, LegState.UP)]
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.ABANDONED]


async def test_given_a_held_caller_then_they_can_be_transferred(house: House) -> None:
    contact_id = await held(house)
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert told(house) == [ContactHeld, TalkEnded, ContactTransferred, ContactQueued]
    assert house.state(contact_id) is CallState.QUEUED


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


async def test_given_a_conference_when_the_expert_leaves_then_the_agent_talks_on(house: House) -> None:
    contact_id = await conference(house)
    assert house.state(contact_id) is CallState.CONFERENCE
    assert [leg[2] for leg in legs(house, contact_id)] == [LegState.UP] * 3
    house.switch.expert_hangs_up(contact_id)
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert told(house)[2:] == [ConsultEnded, AgentJoined, TalkEnded, TalkEnded, ContactEnded]
    assert talks(house) == [(BOB, 7), (ANN, 22)]


async def test_given_a_conference_when_the_agent_leaves_then_the_expert_has_the_caller(house: House) -> None:
    contact_id = await conference(house)
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert told(house)[4:] == [TalkEnded, ContactConnected]
    house.clock.advance(3)
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert talks(house) == [(ANN, 22), (BOB, 10)]
    assert [ended.agent_id for ended in house.of(ContactEnded)] == [BOB]


async def test_given_a_conference_when_the_caller_leaves_then_both_talks_are_over(house: House) -> None:
    contact_id = await conference(house)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert sorted(talks(house)) == [(ANN, 22), (BOB, 7)]
    assert house.calls.live() == []


@pytest.mark.parametrize(
    ("state", "found"),
    [(held, CallState.HELD), (consulting, CallState.CONSULTING), (conference, CallState.CONFERENCE)],
)
async def test_given_a_restarted_server_then_the_call_is_taken_up_as_what_it_is(
    house: House, state: object, found: CallState
) -> None:
    contact_id = await state(house)  # type: ignore[operator]
    before = legs(house, contact_id)
    await house.calls.stop()
    house.restart()
    await house.calls.start()
    await settle()
    assert house.state(contact_id) is found
    assert legs(house, contact_id) == before
    [adopted] = house.of(ContactAdopted)
    assert (adopted.state, adopted.agent_id, adopted.offer_id) == (found, ANN, OFFER)
    both = {ANN, BOB} if found is not CallState.HELD else {ANN}
    assert dict(house.of(Reconciled)[-1].talking) == dict.fromkeys(both, contact_id)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    [mine] = [event for event in house.of(TalkEnded) if event.agent_id == ANN]
    assert mine.at - mine.began_at == timedelta(seconds={"held": 10, "consulting": 15, "conference": 22}[found])
    await house.calls.stop()


async def test_given_steps_that_were_not_heard_then_the_next_snapshot_catches_up_with_them(house: House) -> None:
    contact_id = await consulting(house)
    house.seen.clear()
    house.switch.go_down()
    house.switch.connected, house.switch.deaf = True, True
    await house.switch.complete(contact_id)
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    assert told(house) == [TalkEnded, ConsultEnded, ContactConnected]
    house.seen.clear()
    house.switch.deaf = True
    await house.switch.hold(contact_id)
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert told(house) == [ContactHeld]


async def test_given_a_conference_that_was_not_heard_of_nor_who_left_it_then_the_next_snapshot_tells(
    house: House,
) -> None:
    contact_id = await consulting(house)
    house.seen.clear()
    house.switch.deaf = True
    await house.switch.conference(contact_id)
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert told(house) == [ConsultEnded, AgentJoined]
    house.switch.deaf = True
    house.switch.agent_hangs_up(contact_id)
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert told(house)[2:] == [TalkEnded, ContactConnected]
    assert [call.agent_id for call in house.calls.live()] == [BOB]
