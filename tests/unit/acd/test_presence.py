"""Agents without a desktop, with the clock in the test's hand."""

import pytest

from acd.presence import DESKTOP_GONE, Presence
from switchroom.domain.events import (
    AgentState,
    AgentStateChanged,
    DesktopClosed,
    DesktopOpened,
    PhoneChanged,
    Reconciled,
)
from switchroom.domain.ids import AgentId, Extension
from tests.fixtures.acd_house import ANN, BOB, House

pytestmark = pytest.mark.virtual_time

GONE_AFTER_S = 30.0


def follow(house: House, *had_desktop: AgentId) -> None:
    Presence(house.acd, house.bus, house.clock, gone_after_s=GONE_AFTER_S, had_desktop=had_desktop)


def opened(house: House, agent_id: AgentId) -> None:
    house.bus.publish(DesktopOpened(at=house.clock.now(), agent_id=agent_id))


def closed(house: House, agent_id: AgentId) -> None:
    house.bus.publish(DesktopClosed(at=house.clock.now(), agent_id=agent_id))


def reason(house: House, agent_id: AgentId) -> str | None:
    agent = house.acd.roster.get(agent_id)
    assert agent is not None
    return agent.reason


async def test_given_a_desktop_gone_for_the_time_then_the_agent_is_paused_and_one_that_never_had_any_is_not(
    house: House,
) -> None:
    follow(house)
    await house.open(ANN, BOB)
    opened(house, ANN)
    closed(house, ANN)
    await house.passes(GONE_AFTER_S - 1)
    assert house.state(ANN) is AgentState.AVAILABLE
    await house.passes(1)
    assert (house.state(ANN), reason(house, ANN)) == (AgentState.PAUSED, DESKTOP_GONE)
    assert house.state(BOB) is AgentState.AVAILABLE


async def test_given_a_desktop_that_is_back_in_time_then_nothing_changes(house: House) -> None:
    follow(house)
    await house.open(ANN)
    closed(house, ANN)
    await house.passes(GONE_AFTER_S - 1)
    opened(house, ANN)
    await house.passes(GONE_AFTER_S * 2)
    assert house.state(ANN) is AgentState.AVAILABLE


async def test_given_a_desktop_that_is_back_before_the_call_ends_then_the_agent_goes_on_as_usual(house: House) -> None:
    follow(house)
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    closed(house, ANN)
    await house.passes(GONE_AFTER_S)
    opened(house, ANN)
    await house.ended("one")
    await house.passes(30)
    assert house.state(ANN) is AgentState.AVAILABLE


async def test_given_an_agent_who_asked_to_pause_after_the_call_then_that_is_what_happens(house: House) -> None:
    follow(house)
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    await house.acd.set_state(ANN, "paused", "lunch")
    closed(house, ANN)
    await house.passes(GONE_AFTER_S)
    await house.ended("one")
    await house.passes(30)
    assert (house.state(ANN), reason(house, ANN)) == (AgentState.PAUSED, "lunch")


@pytest.mark.parametrize(
    ("phone", "desktop", "state"),
    [
        (False, False, AgentState.LOGGED_OUT),
        (False, True, AgentState.LOGGED_OUT),
        (True, True, AgentState.PAUSED),
        (True, False, AgentState.AVAILABLE),
    ],
)
async def test_given_a_restart_then_who_comes_back_with_neither_desktop_nor_phone_is_logged_out(
    house: House, phone: bool, desktop: bool, state: AgentState
) -> None:
    house.acd.restore(
        [AgentStateChanged(at=house.clock.now(), agent_id=ANN, state=AgentState.AVAILABLE)],
    )
    follow(house, *((ANN,) if desktop else ()))
    await house.passes(GONE_AFTER_S)  # the softswitch has said nothing yet: nobody is judged
    assert house.state(ANN) is AgentState.AVAILABLE
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=phone))
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset()))
    await house.passes(GONE_AFTER_S)
    assert house.state(ANN) is state
