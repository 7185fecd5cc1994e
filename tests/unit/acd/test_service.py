"""The ACD as its neighbours see it: events in, events out."""

import pytest

from switchroom.domain.contact import CustomerTier, Outcome
from switchroom.domain.errors import UnknownAgent
from switchroom.domain.events import AgentState, OfferFailure, OfferMade, PhoneChanged
from switchroom.domain.ids import AgentId, Extension
from tests.fixtures.acd_house import ANN, BOB, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_two_free_agents_then_the_one_with_more_skill_gets_the_call(house: House) -> None:
    await house.open(BOB, ANN)
    await house.queue("one")
    assert house.offers() == [("one", ANN)]
    assert house.state(ANN) is AgentState.RESERVED


async def test_given_no_agent_then_the_call_waits(house: House) -> None:
    await house.open()
    await house.queue("one")
    assert house.offers() == []
    assert house.acd.queues()[0].waiting == 1


async def test_given_an_agent_whose_phone_is_not_registered_then_it_is_not_rung(house: House) -> None:
    await house.open(ANN)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=False))
    await house.queue("one")
    assert house.offers() == []
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=True))
    await settle()
    assert house.offers() == [("one", ANN)]


async def test_given_an_ordinary_and_then_a_gold_caller_when_the_agent_is_free_then_gold_goes_first(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    await house.queue("ordinary")
    await house.passes(10)
    await house.queue("gold", CustomerTier.GOLD)
    await house.ended("talking")
    assert house.state(ANN) is AgentState.WRAP_UP
    await house.passes(30)
    await settle()
    assert house.offers() == [("talking", ANN), ("gold", ANN)]
    assert [offer.head_start_s for offer in house.of(OfferMade)] == [0.0, 60.0]


async def test_given_no_answer_then_the_agent_is_paused_and_the_caller_goes_on_in_its_old_place(
    house: House,
) -> None:
    await house.open(ANN)
    came = house.clock.now()
    await house.queue("one")
    await house.passes(20)
    await house.queue("two")
    await house.failed("one", ANN, OfferFailure.NO_ANSWER)
    assert house.state(ANN) is AgentState.PAUSED
    [line] = house.acd.queues()
    assert (line.waiting, line.oldest) == (2, came)

    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=True))
    await house.acd.set_state(BOB, "available", None)
    await settle()
    assert house.offers() == [("one", ANN), ("one", BOB)]


async def test_given_a_caller_who_leaves_while_it_rings_then_the_agent_gets_the_next_and_not_the_same(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.queue("two")
    await house.failed("one", ANN, OfferFailure.CALLER_LEFT)
    await house.ended("one", Outcome.ABANDONED)
    assert house.offers() == [("one", ANN), ("two", ANN)]


async def test_given_a_pause_asked_for_during_a_call_then_it_follows_the_wrap_up(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    view = await house.acd.set_state(ANN, "paused", "lunch")
    assert view.state is AgentState.BUSY
    await house.ended("one")
    assert house.state(ANN) is AgentState.WRAP_UP
    await house.passes(30)
    [ann] = [agent for agent in house.acd.agents() if agent.id == ANN]
    assert (ann.state, ann.reason) == (AgentState.PAUSED, "lunch")


async def test_given_wrap_up_when_the_agent_is_ready_sooner_then_the_timer_does_not_fire_later(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    await house.ended("one")
    await house.acd.set_state(ANN, "available", None)
    await house.acd.set_state(ANN, "paused", "tea")
    await house.passes(60)
    assert house.state(ANN) is AgentState.PAUSED


async def test_given_a_queue_that_does_not_exist_then_the_caller_waits_in_the_fallback_queue(house: House) -> None:
    await house.open(ANN)
    await house.queue("one", queue="nonsense")
    assert house.offers() == [("one", ANN)]


async def test_given_an_unknown_agent_then_setting_a_state_says_so(house: House) -> None:
    with pytest.raises(UnknownAgent):
        await house.acd.set_state(AgentId("9999"), "available", None)


async def test_given_a_tier_that_is_learned_while_waiting_then_the_contact_is_ranked_again(house: House) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    await house.queue("first")
    await house.passes(10)
    await house.queue("second")
    await house.place_changed("second", CustomerTier.GOLD)
    await house.ended("talking")
    await house.passes(30)
    await settle()
    assert house.offers()[1:] == [("second", ANN)]
