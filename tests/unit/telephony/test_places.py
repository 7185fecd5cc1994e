"""The caller's place in line: kept, ranked anew when the tier is learned, the fallback queue when unknown."""

from dataclasses import replace

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Requirements, Waiting
from switchroom.domain.errors import UnknownContact
from switchroom.domain.events import ContactEnded, ContactQueued, PlaceChanged
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.mailbox import Mailbox
from telephony.call import Call
from telephony.softswitch.port import LivePhase, SwitchError
from tests.fixtures.calls_house import FALLBACK, RETURNS, House
from tests.support.brands import SHOP
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_a_waiting_caller_whose_place_cannot_be_read_then_the_fallback_queue_takes_them(
    house: House,
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    await house.calls.stop()
    house.restart()
    house.switch.fall_back(contact_id, None)
    await house.calls.start()
    await settle()
    [queued] = house.of(ContactQueued)
    assert (queued.requirements, queued.enqueued_at) == (Requirements(FALLBACK), house.clock.now())
    assert house.state(contact_id) is CallState.QUEUED
    await house.calls.stop()


@pytest.mark.parametrize("told", [True, False])
async def test_given_a_fallback_that_cannot_be_read_then_the_fallback_queue_takes_the_caller(
    house: House, told: bool
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    entered_at = house.clock.now()
    await settle()
    house.clock.advance(30)
    house.switch.connected = told
    house.switch.fall_back(contact_id, None)
    house.switch.come_up()
    await settle()
    [queued] = house.of(ContactQueued)
    assert (queued.requirements, queued.enqueued_at) == (Requirements(FALLBACK), entered_at)


async def test_given_a_known_customer_who_falls_back_then_their_tier_is_kept_on_the_channel_too(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    place = Waiting(Requirements(FALLBACK), house.clock.now())
    house.switch.fall_back(contact_id, place)
    await settle()
    [queued] = house.of(ContactQueued)
    assert (queued.requirements, queued.enqueued_at) == (
        Requirements(FALLBACK, tier=CustomerTier.GOLD),
        place.enqueued_at,
    )
    [line] = (await house.switch.snapshot()).calls
    assert line.waiting == Waiting(queued.requirements, place.enqueued_at)


async def test_given_a_caller_in_line_who_is_told_to_have_fallen_back_then_their_place_is_kept(house: House) -> None:
    contact_id = await house.queued()
    house.switch.commands.clear()
    house.switch.fall_back(contact_id, Waiting(Requirements(FALLBACK), house.clock.now()))
    await settle()
    assert [event.requirements for event in house.of(ContactQueued)] == [replace(RETURNS, tier=CustomerTier.GOLD)]
    assert [call.queue for call in house.calls.live()] == [RETURNS.queue]
    assert house.switch.commands == []


async def test_given_a_softswitch_that_does_not_take_the_tier_then_the_caller_is_in_line_with_it_all_the_same(
    house: House,
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    house.switch.refuse["wait"] = SwitchError("no answer")
    house.switch.fall_back(contact_id, Waiting(Requirements(FALLBACK), house.clock.now()))
    await settle()
    assert [event.requirements.tier for event in house.of(ContactQueued)] == [CustomerTier.GOLD]


async def test_given_a_menu_that_cannot_go_on_then_the_caller_waits_in_the_fallback_queue(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    await house.calls.claim(contact_id, 1)
    await house.calls.fall_back(contact_id, {})
    house.switch.let_go(contact_id)
    [queued] = house.of(ContactQueued)
    assert queued.requirements == Requirements(FALLBACK, tier=CustomerTier.GOLD)
    [line] = (await house.switch.snapshot()).calls
    assert (line.phase, line.waiting) == (LivePhase.WAITING, Waiting(queued.requirements, queued.enqueued_at))


async def test_given_a_call_that_nobody_knows_then_it_cannot_fall_back(house: House) -> None:
    with pytest.raises(UnknownContact):
        await house.calls.fall_back(ContactId("nobody"), {})


async def test_given_a_call_that_ended_while_its_place_was_written_then_it_is_not_put_in_line(house: House) -> None:
    mailbox = Mailbox(BackgroundTasks(), "call")
    call = Call(ContactId("1"), "4008123123", "", SHOP, house.clock.now(), mailbox, house.bus, house.clock)
    call.ended()
    call.queued(Waiting(RETURNS, house.clock.now()), {})
    assert [type(event) for event in house.seen if isinstance(event, ContactQueued | ContactEnded)] == [ContactEnded]


async def test_given_a_tier_that_is_learned_late_then_the_place_is_ranked_anew_with_the_time_waited(
    house: House,
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.clock.advance(1.5)
    await house.calls.claim(contact_id, 1)
    await house.calls.queue(contact_id, RETURNS, {"order": "20260105"})
    [queued] = house.of(ContactQueued)
    assert queued.requirements.tier is CustomerTier.STANDARD
    house.clock.advance(4)
    house.identify(contact_id)
    await settle()
    [changed] = house.of(PlaceChanged)
    assert (changed.requirements, changed.enqueued_at) == (replace(RETURNS, tier=CustomerTier.GOLD), queued.enqueued_at)
    [line] = (await house.switch.snapshot()).calls
    assert line.waiting == Waiting(changed.requirements, queued.enqueued_at)
    assert line.collected == {"order": "20260105"}


async def test_given_a_menu_that_says_the_tier_then_the_customers_own_does_not_count(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    await house.calls.queue(contact_id, replace(RETURNS, tier_is_fixed=True), {})
    house.identify(contact_id)
    await settle()
    assert [event.requirements.tier for event in house.of(ContactQueued)] == [CustomerTier.STANDARD]
    assert house.of(PlaceChanged) == []


async def test_given_a_customer_who_is_known_while_the_place_is_written_then_their_tier_counts(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.clock.advance(1.5)
    house.switch.while_writing = lambda _: None if house.of(ContactQueued) else house.identify(contact_id)
    await house.calls.queue(contact_id, RETURNS, {})
    await settle()
    assert house.of(PlaceChanged)[-1].requirements.tier is CustomerTier.GOLD


async def test_given_a_tier_that_the_menu_fixed_then_a_restart_keeps_it(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await house.calls.queue(contact_id, replace(RETURNS, tier_is_fixed=True), {})
    house.switch.let_go(contact_id)
    await house.calls.stop()
    house.restart()
    await house.calls.start()
    await settle()
    house.identify(contact_id)
    await settle()
    assert house.of(PlaceChanged) == []
    await house.calls.stop()
