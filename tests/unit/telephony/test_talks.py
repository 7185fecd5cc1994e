"""What an agent does with a caller: hold, resume, what is refused; and a talk that is taken up after a gap."""

from datetime import timedelta

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.events import (
    ConsultEnded,
    ConsultEnding,
    ContactAdopted,
    ContactConnected,
    ContactEnded,
    ContactHeld,
    ContactQueued,
    ContactResumed,
    ContactTransferred,
    Reconciled,
    TalkEnded,
)
from switchroom.domain.ids import ContactId, Extension
from switchroom.domain.leg import LegState, Party
from telephony.softswitch.port import SwitchError
from telephony.talk_requests import EFFECT_WITHIN_S
from tests.fakes.fake_softswitch import OFFER
from tests.fixtures.call_talks import conference, consulting, held, legs, talking, talks, told
from tests.fixtures.calls_house import ANN, BOB, COMPLAINTS, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


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
