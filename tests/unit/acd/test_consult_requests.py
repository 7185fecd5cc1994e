"""Agents who are to be consulted: reserved before the softswitch is asked, and free again if nothing comes of it."""

import asyncio

import pytest

from acd.core.consulting import BEGINS_WITHIN_S
from switchroom.domain.errors import Refused, UnknownAgent
from switchroom.domain.events import (
    AgentState,
    ConsultAnswered,
    ConsultEnded,
    ConsultEnding,
    ConsultEvent,
    ConsultStarted,
    OfferFailure,
    PhoneChanged,
    Reconciled,
    SwitchLost,
)
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from tests.fakes.memory_store import MemoryStore
from tests.fixtures.acd_house import ANN, BOB, House
from tests.support.virtual_time import VirtualClock, settle

pytestmark = pytest.mark.virtual_time

TALKING, OTHER = ContactId("talking"), ContactId("other")


def told(house: House, kind: type[ConsultEvent], consulted: AgentId = BOB, **more: object) -> None:
    event = kind(
        at=house.clock.now(),
        contact_id=TALKING,
        agent_id=ANN,
        consulted=consulted,
        offer_id=OfferId("c1"),
        **more,  # type: ignore[arg-type]
    )
    house.bus.publish(event)


async def ann_talks_and_bob_is_free(house: House) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=True))
    await house.acd.set_state(BOB, "available", None)


async def test_given_a_request_to_consult_then_nobody_is_offered_to_that_agent_while_the_softswitch_is_asked(
    house: House,
) -> None:
    await ann_talks_and_bob_is_free(house)
    assert await house.acd.reserve_consulted(BOB, TALKING) == Extension(BOB)
    await house.queue("one")
    assert (house.state(BOB), house.offers()) == (AgentState.RESERVED, [("talking", ANN)])
    told(house, ConsultStarted)
    told(house, ConsultAnswered)
    assert house.state(BOB) is AgentState.BUSY
    told(house, ConsultEnded, ending=ConsultEnding.CONSULTED_LEFT)
    assert house.state(BOB) is AgentState.WRAP_UP


async def test_given_two_who_ask_the_same_agent_then_the_second_is_refused_and_the_first_keeps_them(
    house: House,
) -> None:
    await ann_talks_and_bob_is_free(house)
    await house.acd.reserve_consulted(BOB, TALKING)
    for contact_id in (OTHER, TALKING):
        with pytest.raises(Refused, match="Agent 1002 is busy"):
            await house.acd.reserve_consulted(BOB, contact_id)
    house.acd.release_consulted(BOB, OTHER)
    assert house.state(BOB) is AgentState.RESERVED


async def test_given_an_agent_who_cannot_be_had_then_they_are_not_reserved(house: House) -> None:
    await ann_talks_and_bob_is_free(house)
    with pytest.raises(Refused, match="Agent 1001 is busy"):
        await house.acd.reserve_consulted(ANN, TALKING)
    with pytest.raises(UnknownAgent):
        await house.acd.reserve_consulted(AgentId("9999"), TALKING)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=False))
    with pytest.raises(Refused, match="The phone of agent 1002 cannot be reached"):
        await house.acd.reserve_consulted(BOB, TALKING)
    assert house.state(BOB) is AgentState.AVAILABLE


async def test_given_a_softswitch_that_refuses_then_the_agent_is_what_they_were(house: House) -> None:
    await ann_talks_and_bob_is_free(house)
    await house.acd.set_state(BOB, "paused", "lunch")
    await house.acd.reserve_consulted(BOB, TALKING)
    house.acd.release_consulted(BOB, TALKING)
    view = house.acd.agent(BOB)
    assert view is not None and (view.state, view.reason) == (AgentState.PAUSED, "lunch")


async def test_given_a_refusal_that_comes_after_the_beginning_then_the_agent_stays_reserved(house: House) -> None:
    await ann_talks_and_bob_is_free(house)
    await house.acd.reserve_consulted(BOB, TALKING)
    told(house, ConsultStarted)
    house.acd.release_consulted(BOB, TALKING)
    await house.passes(BEGINS_WITHIN_S + 1)
    assert house.state(BOB) is AgentState.RESERVED
    told(house, ConsultEnded, ending=ConsultEnding.NO_ANSWER)
    assert house.state(BOB) is AgentState.AVAILABLE


async def test_given_a_consultation_that_never_begins_then_the_agent_is_free_after_a_while(house: House) -> None:
    await ann_talks_and_bob_is_free(house)
    await house.acd.reserve_consulted(BOB, TALKING)
    await house.queue("one")
    await house.passes(BEGINS_WITHIN_S / 2)
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset({TALKING, "one"}), talking={ANN: TALKING}))
    assert house.state(BOB) is AgentState.RESERVED, "a picture that was taken before says nothing of it"
    await house.passes(BEGINS_WITHIN_S / 2)
    assert house.offers() == [("talking", ANN), ("one", BOB)]


async def test_given_a_softswitch_that_cannot_be_heard_then_the_agent_stays_reserved_until_it_is_back(
    house: House,
) -> None:
    await ann_talks_and_bob_is_free(house)
    await house.acd.reserve_consulted(BOB, TALKING)
    house.bus.publish(SwitchLost(at=house.clock.now()))
    await house.passes(3 * BEGINS_WITHIN_S + 1)
    assert house.state(BOB) is AgentState.RESERVED
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset({TALKING}), talking={ANN: TALKING}))
    await house.passes(BEGINS_WITHIN_S)
    assert house.state(BOB) is AgentState.AVAILABLE


async def test_given_an_agent_who_is_to_be_asked_then_nobody_takes_their_phone(house: House) -> None:
    await ann_talks_and_bob_is_free(house)
    await house.acd.reserve_consulted(BOB, TALKING)
    with pytest.raises(Refused, match="in use"):
        await house.acd.take_desk(BOB, Extension("2001"))


async def test_given_an_offer_that_has_not_rung_when_its_agents_phone_is_called_for_a_question_then_it_goes_on(
    house: House,
) -> None:
    """The request ran out, or was made on another server: the softswitch says how it is."""
    house.channels.delay_s = 0.2
    await ann_talks_and_bob_is_free(house)
    await house.queue("one")
    assert house.offers()[1:] == [("one", BOB)]
    told(house, ConsultStarted)
    view = house.acd.agent(BOB)
    assert view is not None and (view.state, view.contact_id) == (AgentState.RESERVED, TALKING)
    assert house.acd.queues()[0].waiting == 1
    told(house, ConsultEnded, ending=ConsultEnding.NO_ANSWER)
    assert house.offers()[1:] == [("one", BOB), ("one", BOB)]


async def test_given_an_agent_who_answers_a_question_beside_an_offer_then_they_talk_and_the_contact_waits_on(
    house: House,
) -> None:
    await ann_talks_and_bob_is_free(house)
    await house.queue("one")
    told(house, ConsultStarted)
    view = house.acd.agent(BOB)
    assert view is not None and view.contact_id == "one", "their phone rings for the contact already"
    told(house, ConsultAnswered)
    view = house.acd.agent(BOB)
    assert view is not None and (view.state, view.contact_id) == (AgentState.BUSY, TALKING)
    await house.failed("one", BOB, OfferFailure.BUSY)
    assert (house.state(BOB), house.acd.queues()[0].waiting) == (AgentState.BUSY, 1)


@pytest.mark.parametrize("was", ["available", "offered", "paused", "wrap_up"])
async def test_given_an_agent_whom_a_reconciliation_names_as_talking_then_they_are_busy_whatever_they_were(
    house: House, was: str
) -> None:
    await ann_talks_and_bob_is_free(house)
    live = frozenset({TALKING, ContactId("one")})
    if was == "paused":
        await house.acd.set_state(BOB, "paused", "lunch")
    elif was in ("offered", "wrap_up"):
        await house.queue("one")
    if was == "wrap_up":
        await house.connected("one", BOB)
        await house.ended("one")
    house.bus.publish(Reconciled(at=house.clock.now(), live=live, talking=dict.fromkeys((ANN, BOB), TALKING)))
    view = house.acd.agent(BOB)
    assert view is not None and (view.state, view.contact_id) == (AgentState.BUSY, TALKING)
    assert house.acd.queues()[0].waiting == (was == "offered")
    await house.acd.set_state(ANN, "logged_out", None)
    await house.ended("talking")
    assert house.state(BOB) is AgentState.WRAP_UP
    await house.passes(31)
    assert house.state(BOB) is {"paused": AgentState.PAUSED, "offered": AgentState.RESERVED}.get(
        was, AgentState.AVAILABLE
    )


async def test_given_an_earlier_offer_of_the_contact_when_a_late_word_of_it_comes_then_who_is_asked_is_not_blamed(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("talking")
    assert house.offers() == [("talking", ANN)]
    await house.connected("talking", BOB)
    await house.acd.reserve_consulted(ANN, TALKING)
    await house.failed("talking", ANN, OfferFailure.NO_ANSWER)
    assert house.state(ANN) is AgentState.RESERVED


class Elsewhere(MemoryStore):
    """Another server has these agents, as a shared store would know."""

    held: tuple[AgentId, ...] = ()

    async def claim(self, agent_id: AgentId, lease_s: float) -> bool:
        await asyncio.sleep(0.05)
        return agent_id not in self.held


async def test_given_an_agent_whom_another_server_has_then_the_request_is_refused_and_they_are_what_they_were() -> None:
    clock = VirtualClock()
    house = House(store := Elsewhere(clock), clock)
    await ann_talks_and_bob_is_free(house)
    store.held = (BOB,)
    with pytest.raises(Refused, match="Agent 1002 is busy"):
        await house.acd.reserve_consulted(BOB, TALKING)
    assert house.state(BOB) is AgentState.AVAILABLE
    store.held = ()
    assert await house.acd.reserve_consulted(BOB, TALKING) == Extension(BOB)
    await house.acd.stop()


async def test_given_a_contact_that_ends_while_the_store_is_asked_then_the_request_is_refused() -> None:
    clock = VirtualClock()
    house = House(Elsewhere(clock), clock)
    await ann_talks_and_bob_is_free(house)
    asked = asyncio.create_task(house.acd.reserve_consulted(BOB, TALKING))
    await settle()
    await house.ended("talking")
    with pytest.raises(Refused, match="is over"):
        await asked
    assert house.state(BOB) is AgentState.AVAILABLE
    await house.acd.stop()
