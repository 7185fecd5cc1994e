"""A caller is offered to an agent: no answer, a refusal, a caller who leaves, words that come late."""

import asyncio

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome
from switchroom.domain.errors import UnknownContact
from switchroom.domain.events import ContactEnded, ContactQueued, OfferFailed, OfferFailure
from switchroom.domain.ids import AgentId, Extension, OfferId
from telephony.softswitch.port import AgentFailed, CallGone, SwitchError
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.fixtures.calls_house import ANN, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_no_answer_then_the_call_waits_again_with_the_same_place(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    place = house.of(ContactQueued)[0].enqueued_at
    await house.calls.connect(contact_id, delivery(ANN, 20))
    house.clock.advance(20)
    house.switch.fail(contact_id, OfferFailure.NO_ANSWER)
    await settle()
    assert [(e.agent_id, e.failure) for e in house.of(OfferFailed)] == [(ANN, OfferFailure.NO_ANSWER)]
    assert house.state(contact_id) is CallState.QUEUED
    [line] = (await house.switch.snapshot()).calls
    assert line.waiting is not None and line.waiting.enqueued_at == place


async def test_given_a_caller_who_leaves_while_it_rings_then_the_offer_fails_before_the_call_ends(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    house.switch.caller_hangs_up(contact_id)
    await settle()
    [failed, ended] = [event for event in house.seen if isinstance(event, OfferFailed | ContactEnded)]
    assert isinstance(failed, OfferFailed) and failed.failure is OfferFailure.CALLER_LEFT
    assert isinstance(ended, ContactEnded) and ended.outcome is Outcome.ABANDONED


async def test_given_a_softswitch_that_refuses_to_connect_then_the_call_waits_on(house: House) -> None:
    contact_id = await house.queued()
    house.switch.refuse["connect"] = SwitchError("no answer")
    await house.calls.connect(contact_id, delivery(ANN, 20))
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.SWITCH_FAILED]
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_a_caller_who_has_gone_then_there_is_no_call_to_connect(house: House) -> None:
    contact_id = await house.queued()
    house.switch.caller_hangs_up(contact_id)
    with pytest.raises(UnknownContact):
        await house.calls.connect(contact_id, delivery(ANN, 20))
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.ABANDONED]


async def test_given_a_redirect_that_comes_too_late_then_no_agent_is_blamed_for_it(house: House) -> None:
    contact_id = await house.queued()
    house.switch.refuse["connect"] = CallGone("no such channel")
    await house.calls.connect(contact_id, delivery(ANN, 20))
    assert house.of(OfferFailed) == []
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.CALLER_LEFT]


async def test_given_two_offers_when_the_first_ones_failure_is_told_late_then_the_second_goes_on(house: House) -> None:
    bob = AgentId("1002")
    house.switch.register(bob, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(bob, 20))
    house.switch.tell(
        AgentFailed(contact_id=contact_id, offer_id=OfferId("o0"), agent_id=bob, failure=OfferFailure.NO_ANSWER)
    )
    await settle()
    assert house.state(contact_id) is CallState.OFFERED
    assert house.of(OfferFailed) == []


async def test_given_an_offer_whose_end_was_not_heard_when_the_next_comes_then_that_one_fails_and_the_call_is_looked_at(
    house: House,
) -> None:
    bob = AgentId("1002")
    for agent in (ANN, bob):
        house.switch.register(Extension(agent), "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    house.switch.deaf = True
    house.switch.fail(contact_id, OfferFailure.NO_ANSWER)
    house.switch.deaf = False
    await house.calls.connect(contact_id, delivery(bob, 20, OfferId("o2")))
    [failed] = house.of(OfferFailed)
    assert (failed.offer_id, failed.agent_id, failed.failure) == ("o2", bob, OfferFailure.SWITCH_FAILED)
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    assert [event.offer_id for event in house.of(OfferFailed)] == ["o2", OFFER]
    await house.calls.connect(contact_id, delivery(bob, 20, OfferId("o3")))
    assert house.state(contact_id) is CallState.OFFERED


async def test_given_a_delivery_that_is_cancelled_before_its_turn_then_nobody_is_rung(house: House) -> None:
    house.switch.register(Extension(ANN), "rings")
    contact_id = await house.queued()
    before = asyncio.Event()
    house.calls._calls.known(contact_id).mailbox.post(before.wait)
    bringing = asyncio.create_task(house.calls.connect(contact_id, delivery(ANN, 20)))
    await settle()
    bringing.cancel()
    before.set()
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    assert [command.name for command in house.switch.commands] == ["wait"]
