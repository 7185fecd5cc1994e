"""Desks and teams: an agent sits at one phone, a phone has one agent."""

from dataclasses import replace

import pytest

from acd.config import AgentConfig
from switchroom.domain.errors import UnknownAgent
from switchroom.domain.events import AgentState, DeskChanged, OfferMade, PhoneChanged
from switchroom.domain.ids import AgentId, Extension
from tests.fixtures.acd_house import ANN, BOB, CONFIG, House

pytestmark = pytest.mark.virtual_time

WINDOW = Extension("2001")


@pytest.fixture
async def house() -> House:
    return House()


def registered(house: House, extension: Extension) -> None:
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=extension, registered=True))


async def test_given_an_agent_who_takes_a_desk_then_the_phone_there_rings(house: House) -> None:
    await house.open()
    registered(house, WINDOW)
    view = await house.acd.take_desk(ANN, WINDOW)
    assert (view.extension, view.phone_registered) == (WINDOW, True)
    await house.acd.set_state(ANN, "available", None)
    await house.queue("one")
    assert [offer.extension for offer in house.of(OfferMade)] == [WINDOW]
    told = house.of(DeskChanged)[-1]
    assert (told.agent_id, told.extension, told.phone_registered) == (ANN, WINDOW, True)


async def test_given_a_desk_that_another_takes_then_who_sat_there_is_logged_out_of_it(house: House) -> None:
    await house.open(ANN, BOB)
    await house.acd.take_desk(BOB, Extension(ANN))
    assert (house.state(ANN), house.state(BOB)) == (AgentState.LOGGED_OUT, AgentState.AVAILABLE)
    assert [(e.agent_id, e.extension) for e in house.of(DeskChanged)[-2:]] == [(ANN, None), (BOB, Extension(ANN))]
    ann = house.acd.agent(ANN)
    assert ann is not None and (ann.extension, ann.phone_registered) == (None, False)


async def test_given_an_agent_in_a_talk_when_another_takes_the_desk_then_they_are_logged_out_after_it(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    await house.acd.take_desk(BOB, Extension(ANN))
    assert house.state(ANN) is AgentState.BUSY
    await house.ended("one")
    await house.passes(30)
    assert house.state(ANN) is AgentState.LOGGED_OUT


async def test_given_an_offer_that_has_not_rung_when_its_agent_loses_the_desk_then_it_goes_on_to_another(
    house: House,
) -> None:
    house.channels.delay_s = 0.2
    await house.open(ANN, BOB)
    await house.queue("one")
    assert house.offers() == [("one", ANN)]
    await house.acd.take_desk(BOB, Extension(ANN))
    await house.passes(1)
    assert house.state(ANN) is AgentState.LOGGED_OUT
    assert house.offers() == [("one", ANN), ("one", BOB)]
    assert [offer.agent_id for offer in house.channels.brought] == [BOB]
    assert [offer.agent_id for offer in house.channels.cancelled] == [ANN]


async def test_given_an_unknown_agent_then_no_desk_is_taken(house: House) -> None:
    with pytest.raises(UnknownAgent):
        await house.acd.take_desk(AgentId("9999"), WINDOW)


async def test_given_a_team_then_the_agents_view_names_it(house: House) -> None:
    house.configure(replace(CONFIG, agents={ANN: AgentConfig(name="Ann", skills={"returns": 9}, team="sales")}))
    ann = house.acd.agent(ANN)
    assert ann is not None and ann.team == "sales"
