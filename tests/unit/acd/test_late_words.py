"""Offers that were refused or given up here, and what is told of them late."""

import pytest

from acd.core.offering import MARGIN_S, RETRY_S
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Requirements, Waiting
from switchroom.domain.events import AgentState, ContactAdopted, OfferFailure, PhoneChanged
from switchroom.domain.ids import ContactId, Extension, QueueName
from tests.fixtures.acd_house import ANN, BOB, House
from tests.support.brands import SHOP
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_an_offer_given_up_when_its_agent_answers_then_they_are_busy_and_whoever_was_next_is_free(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=False))
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)  # Asterisk did not say in time that it rings
    await house.passes(RETRY_S)
    await settle()
    assert house.offers() == [("one", ANN), ("one", BOB)]
    await house.connected("one", ANN)
    assert (house.state(ANN), house.state(BOB)) == (AgentState.BUSY, AgentState.AVAILABLE)
    await house.ended("one")
    assert house.state(ANN) is AgentState.WRAP_UP


async def test_given_an_agent_reserved_for_one_call_when_another_is_told_to_have_failed_then_they_are_not_blamed(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.failed("two", ANN, OfferFailure.NO_ANSWER)
    assert house.state(ANN) is AgentState.RESERVED


async def test_given_a_softswitch_that_refuses_every_ring_then_it_is_asked_again_with_pauses(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    for tries in range(1, 4):
        assert len(house.offers()) == tries
        await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
        assert len(house.offers()) == tries
        await house.passes(RETRY_S)
        await settle()


async def test_given_a_refused_ring_whose_agent_has_left_then_another_free_agent_gets_the_call(house: House) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    await house.acd.set_state(ANN, "logged_out", None)
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
    await house.passes(RETRY_S)
    await settle()
    assert house.offers() == [("one", ANN), ("one", BOB)]


async def test_given_an_agent_who_asks_for_a_pause_while_it_rings_when_the_caller_leaves_then_no_other_call_comes_first(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.queue("two")
    await house.acd.set_state(ANN, "paused", "lunch")
    await house.failed("one", ANN, OfferFailure.CALLER_LEFT)
    assert house.offers() == [("one", ANN)]
    assert house.state(ANN) is AgentState.PAUSED


async def test_given_a_refused_ring_that_rings_all_the_same_then_it_goes_on_and_is_not_offered_again(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
    now = house.clock.now()
    needs = Requirements(QueueName("returns"), {"lang:zh": 1}, CustomerTier.STANDARD)
    house.bus.publish(
        ContactAdopted(
            at=now,
            contact_id=ContactId("one"),
            number="4008123123",
            caller="",
            brand=SHOP.name,
            entered_at=now,
            state=CallState.OFFERED,
            agent_id=ANN,
            waiting=Waiting(needs, now),
        )
    )
    await house.passes(RETRY_S)
    await settle()
    assert house.offers() == [("one", ANN)]
    assert (house.state(ANN), house.state(BOB)) == (AgentState.RESERVED, AgentState.AVAILABLE)
    await house.connected("one", ANN)
    assert house.state(ANN) is AgentState.BUSY


async def test_given_an_offer_of_which_nothing_is_heard_then_it_ends_by_itself(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.passes(20 + MARGIN_S)
    await settle()
    assert house.offers() == [("one", ANN)] * 2


async def test_given_a_refused_offer_when_the_agent_got_another_call_meanwhile_then_that_talk_goes_on(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
    await house.connected("two", ANN)
    await house.passes(RETRY_S)
    await settle()
    assert house.state(ANN) is AgentState.BUSY
    assert [agent.contact_id for agent in house.acd.agents() if agent.id == ANN] == ["two"]


async def test_given_an_agent_who_is_found_talking_while_reserved_for_another_then_that_one_goes_on_at_once(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("two")
    await house.connected("one", ANN)
    assert house.state(ANN) is AgentState.BUSY
    await house.acd.set_state(BOB, "available", None)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=True))
    await settle()
    assert house.offers()[-1] == ("two", BOB)
