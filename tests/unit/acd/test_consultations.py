"""Agents who are consulted: not offered to anybody, and afterwards what they were."""

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
