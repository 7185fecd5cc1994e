"""Agents who are consulted: not offered to anybody, and afterwards what they were."""

from typing import Literal

import pytest

from switchroom.domain.events import (
    AgentState,
    ConsultAnswered,
    ConsultEnded,
    ConsultEnding,
    ConsultEvent,
    ConsultStarted,
    PhoneChanged,
    Reconciled,
    TalkEnded,
)
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from tests.fixtures.acd_house import ANN, BOB, House

pytestmark = pytest.mark.virtual_time

TALKING = ContactId("talking")
LIVE = frozenset({TALKING, ContactId("one")})


def consult(house: House, kind: type[ConsultEvent], **more: object) -> None:
    event = kind(
        at=house.clock.now(),
        contact_id=ContactId("talking"),
        agent_id=ANN,
        consulted=BOB,
        offer_id=OfferId("c1"),
        **more,  # type: ignore[arg-type]
    )
    house.bus.publish(event)


async def test_given_a_free_agent_who_is_consulted_then_nobody_is_offered_to_them_until_it_is_over(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=True))
    await house.acd.set_state(BOB, "available", None)
    consult(house, ConsultStarted)
    assert house.state(BOB) is AgentState.RESERVED
    await house.queue("one")
    consult(house, ConsultAnswered)
    house.bus.publish(Reconciled(at=house.clock.now(), live=LIVE, talking=dict.fromkeys((ANN, BOB), TALKING)))
    await house.passes(30)
    assert house.state(BOB) is AgentState.BUSY
    assert house.offers() == [("talking", ANN)]
    consult(house, ConsultEnded, ending=ConsultEnding.RETURNED)
    assert house.state(BOB) is AgentState.WRAP_UP
    await house.passes(31)
    assert house.offers() == [("talking", ANN), ("one", BOB)]


async def test_given_a_question_that_was_not_answered_then_the_agent_is_what_they_were(house: House) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    for state, reason in (("paused", "lunch"), ("logged_out", None)):
        await house.acd.set_state(BOB, state, reason)  # type: ignore[arg-type]
        consult(house, ConsultStarted)
        assert house.state(BOB) is AgentState.RESERVED
        consult(house, ConsultEnded, ending=ConsultEnding.NO_ANSWER)
        view = house.acd.agent(BOB)
        assert view is not None and (view.state, view.reason) == (AgentState(state), reason)


async def bob_writes_up(house: House) -> ContactId:
    """Ann talks, Bob has 20 of his 30 s of wrap-up left."""
    await house.open(BOB)
    await house.queue("one")
    await house.connected("one", BOB)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=True))
    await house.acd.set_state(ANN, "available", None)
    await house.queue("talking")
    await house.connected("talking", ANN)
    await house.ended("one")
    await house.passes(10)
    return ContactId("one")


async def test_given_a_question_to_an_agent_in_wrap_up_that_was_not_answered_then_the_wrap_up_goes_on(
    house: House,
) -> None:
    one = await bob_writes_up(house)
    before = house.acd.agent(BOB)
    assert before is not None and before.until is not None
    consult(house, ConsultStarted)
    assert house.state(BOB) is AgentState.RESERVED
    await house.queue("two")
    await house.passes(15)
    consult(house, ConsultEnded, ending=ConsultEnding.NO_ANSWER)
    after = house.acd.agent(BOB)
    assert after is not None
    assert (after.state, after.contact_id, after.until) == (AgentState.WRAP_UP, one, before.until)
    await house.passes(4)
    assert house.state(BOB) is AgentState.WRAP_UP
    await house.passes(1)
    assert house.offers()[-1] == ("two", BOB)


async def test_given_a_wrap_up_whose_time_is_over_when_the_question_ends_then_what_was_asked_for_follows(
    house: House,
) -> None:
    await house.open(BOB)
    await house.queue("one")
    await house.connected("one", BOB)
    await house.acd.set_state(BOB, "paused", "lunch")
    await house.ended("one")
    consult(house, ConsultStarted)
    consult(house, ConsultEnded, ending=ConsultEnding.BUSY)
    assert house.state(BOB) is AgentState.WRAP_UP
    await house.passes(20)
    consult(house, ConsultStarted)
    await house.passes(25)
    consult(house, ConsultEnded, ending=ConsultEnding.NO_ANSWER)
    view = house.acd.agent(BOB)
    assert view is not None and (view.state, view.reason, view.until) == (AgentState.PAUSED, "lunch", None)


@pytest.mark.parametrize("asked", ["available", "paused"])
async def test_given_an_agent_who_asks_for_a_state_while_the_question_rings_then_that_ends_their_wrap_up(
    house: House, asked: Literal["available", "paused"]
) -> None:
    await bob_writes_up(house)
    consult(house, ConsultStarted)
    await house.acd.set_state(BOB, asked, None)
    consult(house, ConsultEnded, ending=ConsultEnding.NO_ANSWER)
    assert house.state(BOB) is AgentState(asked)
    await house.passes(31)
    assert house.state(BOB) is AgentState(asked)


async def test_given_a_question_to_an_agent_in_wrap_up_that_was_answered_then_they_have_the_wrap_up_of_that(
    house: House,
) -> None:
    await bob_writes_up(house)
    consult(house, ConsultStarted)
    consult(house, ConsultAnswered)
    await house.passes(5)
    consult(house, ConsultEnded, ending=ConsultEnding.CONSULTED_LEFT)
    view = house.acd.agent(BOB)
    assert view is not None and view.until is not None
    assert (view.state, view.contact_id) == (AgentState.WRAP_UP, TALKING)
    assert (view.until - house.clock.now()).total_seconds() == 30


async def test_given_a_consulted_agent_who_takes_over_then_they_have_the_contact_and_the_first_wraps_up(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    consult(house, ConsultStarted)
    consult(house, ConsultAnswered)
    now = house.clock.now()
    house.bus.publish(TalkEnded(at=now, contact_id=TALKING, agent_id=ANN, offer_id=OfferId("o1"), began_at=now))
    consult(house, ConsultEnded, ending=ConsultEnding.HANDED_OVER)
    await house.connected("talking", BOB)
    assert (house.state(ANN), house.state(BOB)) == (AgentState.WRAP_UP, AgentState.BUSY)
    await house.ended("talking")
    assert house.state(BOB) is AgentState.WRAP_UP


async def test_given_a_consulted_agent_who_is_not_consulted_any_more_when_reconciled_then_they_are_free(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("talking")
    [(_, first)] = house.offers()
    await house.connected("talking", AgentId(first))
    other = BOB if first == ANN else ANN
    event = ConsultStarted(
        at=house.clock.now(),
        contact_id=TALKING,
        agent_id=AgentId(first),
        consulted=other,
        offer_id=OfferId("c1"),
    )
    house.bus.publish(event)
    assert house.state(other) is AgentState.RESERVED
    house.bus.publish(Reconciled(at=house.clock.now(), live=LIVE, talking={AgentId(first): TALKING}))
    assert house.state(other) is AgentState.AVAILABLE
