"""A call from its arrival to its end: who may take it up, and as what it is booked."""

import asyncio

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.events import ContactConnected, ContactEnded, ContactEntered, ContactQueued
from switchroom.domain.ids import ContactId
from telephony.softswitch.port import SwitchError
from tests.fakes.fake_softswitch import delivery
from tests.fixtures.calls_house import ANN, RETURNS, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_a_call_from_arrival_to_hang_up(house: House) -> None:
    house.switch.register(ANN, "answers")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.agent_hangs_up(contact_id)
    await settle()
    [ended] = house.of(ContactEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.CONNECTED, ANN)
    assert house.calls.live() == []
    assert [
        type(event) for event in house.seen if isinstance(event, ContactEntered | ContactQueued | ContactConnected)
    ] == [
        ContactEntered,
        ContactQueued,
        ContactConnected,
    ]


async def test_a_menu_learns_who_is_calling(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    caller = await house.calls.claim(contact_id, 1)
    assert (caller.customer_id, caller.tier, caller.language, caller.phone) == (
        "7",
        CustomerTier.GOLD,
        "en-US",
        "13800138000",
    )


async def test_given_media_that_overtakes_the_event_then_the_claim_waits_for_it(house: House) -> None:
    house.switch.connected = False  # the event is late: nothing is told while the fake is not connected
    contact_id = house.switch.arrive("4008123123", "13800138000")
    claim = asyncio.create_task(house.calls.claim(contact_id, 5))
    await settle()
    assert not claim.done()
    house.switch.come_up()
    await settle()
    house.identify(contact_id)
    assert (await claim).contact_id == contact_id


async def test_given_a_call_that_nobody_knows_then_it_cannot_be_claimed(house: House) -> None:
    with pytest.raises(UnknownContact):
        await house.calls.claim(ContactId("nobody"), 0.01)


async def test_given_a_call_in_other_hands_then_it_cannot_be_claimed_until_it_is_released(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    await house.calls.claim(contact_id, 1)
    with pytest.raises(UnknownContact):
        await house.calls.claim(contact_id, 0.01)
    house.calls.release(contact_id)
    assert (await house.calls.claim(contact_id, 1)).contact_id == contact_id


async def test_given_a_waiting_call_then_no_media_connection_can_claim_it(house: House) -> None:
    contact_id = await house.queued()
    with pytest.raises(UnknownContact):
        await house.calls.claim(contact_id, 0.01)


@pytest.mark.parametrize(("resolved", "outcome"), [(True, Outcome.SELF_SERVICE), (False, Outcome.ABANDONED)])
async def test_a_hang_up_in_the_menu_is_self_service_only_when_the_caller_was_served(
    house: House, resolved: bool, outcome: Outcome
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    if resolved:
        house.calls.resolved(contact_id)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [ended.outcome for ended in house.of(ContactEnded)] == [outcome]


async def test_given_the_menus_last_word_then_the_call_counts_as_served_only_when_the_caller_was(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    await house.calls.finish(contact_id)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.ABANDONED]


async def test_given_a_served_caller_who_then_waits_and_leaves_then_it_is_abandoned(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    house.calls.resolved(contact_id)
    await house.calls.queue(contact_id, RETURNS, {})
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.ABANDONED]


async def test_given_a_softswitch_that_does_not_answer_then_hanging_up_is_refused_in_words(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "")
    await settle()
    house.switch.refuse["hang_up"] = SwitchError("no answer")
    with pytest.raises(Refused, match="the call goes on"):
        await house.calls.talks.hang_up(contact_id)
