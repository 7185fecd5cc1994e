"""An offer's life, at the edges: how it is brought, what ends it, and many things due at once."""

import asyncio
import itertools

import pytest

from acd.core import events as ev
from acd.core.agents import AgentMove
from acd.core.core import Core
from acd.core.effects import Overflowed, Unserved
from acd.core.offers import OFFER_TRANSITIONS, IllegalOfferMove, Offer, OfferMove, OfferState
from acd.core.unserved import SLICE
from switchroom.domain.contact import Outcome, Requirements
from switchroom.domain.events import AgentState, OfferFailed, OfferFailure
from switchroom.domain.ids import ContactId, OfferId
from tests.fixtures.acd_house import ANN, BOB, House
from tests.support.acd_world import ANN as ANN_THERE
from tests.support.acd_world import PARAMETERS, RETURNS

pytestmark = pytest.mark.virtual_time


async def test_given_a_caller_who_leaves_before_it_rings_then_the_delivery_is_cancelled(house: House) -> None:
    house.channels.delay_s = 0.2
    await house.open(ANN)
    await house.queue("one")
    await house.ended("one", Outcome.ABANDONED)
    await house.passes(1)
    assert house.channels.brought == []
    assert house.state(ANN) is AgentState.AVAILABLE


async def test_given_a_delivery_that_fails_then_it_is_told_and_tried_again_with_a_pause(house: House) -> None:
    house.channels.error = OSError("no route")
    await house.open(ANN)
    await house.queue("one")
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.SWITCH_FAILED]
    house.channels.error = None
    await house.passes(0.9)
    assert len(house.offers()) == 1
    await house.passes(0.2)
    assert len(house.offers()) == 2
    assert len(house.channels.brought) == 1


async def test_given_a_late_word_about_an_offer_that_is_over_then_the_present_one_goes_on(house: House) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    await house.failed("one", ANN, OfferFailure.NO_ANSWER)
    assert house.offers() == [("one", ANN), ("one", BOB)]
    await house.offer_failed("one", ANN, OfferFailure.NO_ANSWER, OfferId("offer-1"))
    assert (house.state(ANN), house.state(BOB)) == (AgentState.PAUSED, AgentState.RESERVED)
    assert len(house.offers()) == 2


def test_an_offer_that_is_over_moves_no_more() -> None:
    for state, move in itertools.product(OfferState, OfferMove):
        offer = Offer(id=OfferId("o"), agent_id=ANN, entry=None, timeout_s=20, state=state)  # type: ignore[arg-type]
        if move in OFFER_TRANSITIONS[state]:
            offer.move(move)
            assert offer.state is OFFER_TRANSITIONS[state][move]
        else:
            with pytest.raises(IllegalOfferMove):
                offer.move(move)
            assert offer.state is state
    assert {state for state, moves in OFFER_TRANSITIONS.items() if not moves} == {
        OfferState.ACCEPTED,
        OfferState.DECLINED,
        OfferState.TIMED_OUT,
        OfferState.REVOKED,
    }


def test_given_many_whom_nobody_may_serve_any_more_then_each_turn_takes_a_slice_and_none_is_left_out() -> None:
    core = Core(PARAMETERS, lambda: OfferId("o"), 0.0)
    core.apply(ev.StateRequested(ANN_THERE, AgentMove.PAUSE), 0.0)
    for number in range(1000):
        core.apply(ev.ContactJoined(ContactId(f"c{number}"), Requirements(RETURNS), float(number)), 0.0)
    turns = [core.apply(ev.StateRequested(ANN_THERE, AgentMove.LOG_OUT), 10.0)]
    while (due := core.next_due) is not None and due <= 10.0:
        turns.append(core.apply(ev.TimePassed(), 10.0))
    told = [[effect.contact_id for effect in turn if isinstance(effect, Unserved)] for turn in turns]
    assert max(map(len, told)) == SLICE
    assert {contact_id for turn in told for contact_id in turn} == {f"c{number}" for number in range(1000)}
    assert core.unserved[RETURNS] == 1000

    turns = [core.apply(ev.TimePassed(), 50.0) for _ in range(1000 // SLICE)]
    moved = [sum(isinstance(effect, Overflowed) for effect in turn) for turn in turns]
    assert moved == [SLICE] * (1000 // SLICE)


async def test_in_virtual_time_a_cancelled_timer_is_not_waited_for() -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(1000.0, print).cancel()
    fired: list[float] = []
    loop.call_later(3.0, lambda: fired.append(loop.time()))
    began = loop.time()
    await asyncio.sleep(5.0)
    assert [round(at - began, 6) for at in fired] == [3.0]
    assert round(loop.time() - began, 6) == 5.0
