"""Whole calls through the real Asterisk, the real dialplan and the real AMI adapter; phones are played by SIPp."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from switchroom.domain.contact import Requirements
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from telephony.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerArrived,
    CallerFellBack,
    CallerLeft,
    LivePhase,
    PhoneState,
    SwitchEvent,
)
from tests.e2e.audio import loudest_hz, read_stereo
from tests.e2e.conftest import FALLBACK_QUEUE, RunningAsterisk
from tests.e2e.menu_server import MenuServer
from tests.e2e.phones import AGENT_TONE_HZ, CALLER_TONE_HZ, Behaviour, Phones
from tests.e2e.switch import COLLECTED, WAITING, Switch, queue_caller
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.support.waiting import eventually

NUMBER, CALLER = "4008123123", "13800138000"
AGENT, ABSENT = AgentId("1001"), AgentId("1010")


async def test_given_a_caller_in_the_menu_when_a_key_is_pressed_then_the_menu_hears_it(
    switch: Switch, menu: MenuServer, phones: Phones
) -> None:
    phones.call(NUMBER, CALLER, keys="12#")
    contact_id = await switch.arrived()
    await switch.told(CallerArrived(contact_id=contact_id, number=NUMBER, caller=CALLER))
    await eventually(lambda: menu.keys.get(contact_id) == "12#", "the menu got the keys")
    assert await switch.phase(contact_id) is LivePhase.IN_MENU


async def test_given_a_waiting_caller_when_the_agent_answers_and_hangs_up_then_both_are_recorded_caller_left(
    switch: Switch, menu: MenuServer, phones: Phones, asterisk: RunningAsterisk
) -> None:
    phone = phones.agent(AGENT, "answers", ring_s=0.3, hold_s=2.5)
    caller = phones.call(NUMBER, CALLER)
    contact_id = await queue_caller(switch, menu)
    found = await switch.live(contact_id)
    assert found is not None
    assert (found.waiting, found.collected) == (WAITING, COLLECTED)
    assert (found.number, found.caller, found.agent_id) == (NUMBER, CALLER, None)
    assert abs((datetime.now(UTC) - found.entered_at).total_seconds()) < 10

    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    talking = await switch.live(contact_id)
    assert talking is not None
    assert (talking.phase, talking.agent_id, talking.waiting) == (LivePhase.TALKING, AGENT, WAITING)
    await switch.told(AgentLeft(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await switch.told(CallerLeft(contact_id=contact_id))
    await eventually(lambda: not (caller.running() or phone.running()), "both phones are done")
    assert caller.finished(), caller.errors.read_text()
    assert phone.finished(), phone.errors.read_text()

    assert await switch.phase(contact_id) is None
    await _check_written_down(switch, contact_id, CALLER, (AGENT, 2.5))
    left, right = read_stereo(recording_of(asterisk, contact_id))
    assert 1.8 < len(left) / 8000 < 3.2
    assert loudest_hz(left) == pytest.approx(CALLER_TONE_HZ, abs=10)
    assert loudest_hz(right) == pytest.approx(AGENT_TONE_HZ, abs=10)


async def test_given_a_talk_when_the_caller_hangs_up_then_the_recording_is_complete_when_it_is_told(
    switch: Switch, menu: MenuServer, phones: Phones, asterisk: RunningAsterisk
) -> None:
    phones.agent(AGENT, "answers", ring_s=0)
    phones.call(NUMBER, CALLER, hold_s=4)
    contact_id = await queue_caller(switch, menu)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    sizes: list[int] = []

    def note_size(event: SwitchEvent) -> None:
        if isinstance(event, AgentLeft):
            sizes.append(recording_of(asterisk, contact_id).stat().st_size)

    switch.watch = note_size
    await switch.told(CallerLeft(contact_id=contact_id))
    await switch.until_phase(contact_id, None)
    await _check_written_down(switch, contact_id, CALLER, (AGENT, None))
    assert sizes == [recording_of(asterisk, contact_id).stat().st_size]
    assert sizes[0] > 8000 * 4


async def _check_written_down(
    switch: Switch, contact_id: ContactId, caller: str, *talks: tuple[AgentId, float | None]
) -> None:
    """The softswitch tells of the call that is over, with the agent and length (seconds, where known) of each talk."""
    for _ in range(100):
        past = [call for call in await switch.softswitch.past_calls() if call.contact_id == contact_id]
        if past:
            break
        await asyncio.sleep(0.02)
    (over,) = past
    assert (over.number, over.caller) == (NUMBER, caller)
    assert over.entered_at < over.ended_at <= datetime.now(UTC)
    assert [talk.agent_id for talk in over.talks] == [agent_id for agent_id, _ in talks]
    for talk, (_, seconds) in zip(over.talks, talks, strict=True):
        assert over.entered_at < talk.began_at < talk.ended_at <= over.ended_at
        if seconds is not None:
            assert (talk.ended_at - talk.began_at).total_seconds() == pytest.approx(seconds, abs=0.5)
    await switch.softswitch.forget_past_calls({call.contact_id for call in await switch.softswitch.past_calls()})
    assert not [call for call in await switch.softswitch.past_calls() if call.contact_id == contact_id]


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [("rings", OfferFailure.NO_ANSWER), ("busy", OfferFailure.BUSY), (None, OfferFailure.UNREACHABLE)],
)
async def test_given_a_waiting_caller_when_the_agent_does_not_take_the_call_then_the_caller_waits_as_before(
    switch: Switch, menu: MenuServer, phones: Phones, behaviour: Behaviour | None, failure: OfferFailure
) -> None:
    agent = AGENT if behaviour else ABSENT
    phone = phones.agent(AGENT, behaviour) if behaviour else None
    phones.call(NUMBER, CALLER)
    contact_id = await queue_caller(switch, menu)
    await switch.softswitch.connect(contact_id, delivery(agent, 1))
    await switch.told(AgentFailed(contact_id=contact_id, offer_id=OFFER, agent_id=agent, failure=failure))
    await switch.until_phase(contact_id, LivePhase.WAITING)
    call = await switch.live(contact_id)
    assert call is not None
    assert (call.waiting, call.collected, call.agent_id) == (WAITING, COLLECTED, None)
    assert phone is None or phone.finished(), "the phone saw the whole SIP exchange"


async def test_given_a_caller_on_the_way_from_place_to_place_then_every_snapshot_has_the_call_as_it_is(
    switch: Switch, menu: MenuServer, phones: Phones
) -> None:
    phones.call(NUMBER, CALLER, hold_s=60)
    contact_id = await queue_caller(switch, menu)
    for again in range(60):
        offer_id = OfferId(f"o{again}")
        await switch.softswitch.connect(contact_id, delivery(ABSENT, 1, offer_id))
        failed = AgentFailed(
            contact_id=contact_id, offer_id=offer_id, agent_id=ABSENT, failure=OfferFailure.UNREACHABLE
        )
        while failed not in switch.events:
            call = await switch.live(contact_id)
            assert call is not None
            assert call.agent_id in ((ABSENT, None) if call.phase is LivePhase.RINGING else (None,))
        switch.events.clear()


async def test_given_a_ringing_agent_when_the_caller_hangs_up_then_the_offer_fails_and_the_call_ends(
    switch: Switch, menu: MenuServer, phones: Phones
) -> None:
    phone = phones.agent(AGENT, "rings")
    phones.call(NUMBER, CALLER, hold_s=3)
    contact_id = await queue_caller(switch, menu)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 20))
    await switch.told(AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    assert await switch.phase(contact_id) is LivePhase.RINGING
    await switch.told(CallerLeft(contact_id=contact_id))
    assert [event for event in switch.events if isinstance(event, AgentFailed | AgentLeft | CallerLeft)] == [
        AgentFailed(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT, failure=OfferFailure.CALLER_LEFT),
        CallerLeft(contact_id=contact_id),
    ]
    assert phone.finished(), phone.errors.read_text()


async def test_given_a_ringing_agent_when_another_is_connected_then_the_first_stops_ringing(
    switch: Switch, menu: MenuServer, phones: Phones
) -> None:
    first, second = phones.agent(AGENT, "rings"), AgentId("1002")
    phones.agent(second, "answers", ring_s=0)
    phones.call(NUMBER, CALLER)
    contact_id = await queue_caller(switch, menu)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 20))
    await switch.told(AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await switch.softswitch.connect(contact_id, delivery(second, 20))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=second))
    assert first.finished(), first.errors.read_text()


async def test_given_a_menu_when_it_finishes_then_the_dialplan_hangs_up(
    switch: Switch, menu: MenuServer, phones: Phones
) -> None:
    caller = phones.call(NUMBER, CALLER)
    contact_id = await switch.arrived()
    await eventually(lambda: contact_id in menu.callers, "the caller is in the menu")
    await switch.softswitch.finish(contact_id)
    await menu.let_go(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    assert caller.finished(), caller.errors.read_text()


async def test_given_a_caller_in_the_menu_when_the_media_server_dies_and_returns_then_the_caller_is_in_the_menu_again(
    switch: Switch, menu: MenuServer, phones: Phones
) -> None:
    caller = phones.call(NUMBER, CALLER, hold_s=20)
    contact_id = await switch.arrived()
    await eventually(lambda: contact_id in menu.callers, "the caller is in the menu")
    await menu.stop()
    await eventually(lambda: contact_id not in menu.callers, "the menu is gone")
    await menu.start()
    await eventually(lambda: contact_id in menu.callers, "the caller is in the menu again")
    assert caller.running()


async def test_given_no_media_server_when_it_stays_away_then_the_caller_falls_back_into_the_queue(
    switch: Switch, phones: Phones
) -> None:
    phones.call(NUMBER, CALLER, hold_s=60)
    contact_id = await switch.arrived()

    def fallen() -> list[CallerFellBack]:
        return [event for event in switch.events if isinstance(event, CallerFellBack)]

    await eventually(fallen, "the caller fell back", timeout_s=60)
    (event,) = fallen()
    assert event.contact_id == contact_id
    assert event.waiting is not None
    assert event.waiting.requirements == Requirements(FALLBACK_QUEUE)
    await switch.until_phase(contact_id, LivePhase.WAITING)
    call = await switch.live(contact_id)
    assert call is not None
    assert call.waiting == event.waiting


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("+8613800138000", "+8613800138000"), ("anonymous", ""), ("1380%26PJSIP", "1380"), ("1+2+3", "123")],
)
async def test_given_any_caller_number_when_the_call_enters_then_only_digits_and_a_leading_plus_pass(
    switch: Switch, menu: MenuServer, phones: Phones, sent: str, kept: str
) -> None:
    phones.call(NUMBER, sent)
    contact_id = await switch.arrived()
    await switch.told(CallerArrived(contact_id=contact_id, number=NUMBER, caller=kept))
    call = await switch.live(contact_id)
    assert call is not None
    assert call.caller == kept


async def test_given_a_phone_when_it_registers_then_its_state_is_told(switch: Switch, phones: Phones) -> None:
    agent = AgentId("1005")
    before = next(phone for phone in (await switch.softswitch.snapshot()).phones if phone.extension == agent)
    assert before == PhoneState(extension=Extension(agent), registered=False, in_use=False)
    phones.agent(agent, "rings")
    await switch.told(PhoneState(extension=Extension(agent), registered=True, in_use=False))
    assert (
        PhoneState(extension=Extension(agent), registered=True, in_use=False)
        in (await switch.softswitch.snapshot()).phones
    )


def recording_of(asterisk: RunningAsterisk, contact_id: ContactId) -> Path:
    (path,) = asterisk.recordings.glob(f"{contact_id}-{AGENT}-*.raw")
    return path
