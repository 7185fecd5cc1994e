"""Desks and teams: an agent sits at one phone, a phone has one agent."""

from dataclasses import replace

import pytest

from acd.config import AgentConfig
from switchroom.domain.errors import Refused, UnknownAgent
from switchroom.domain.events import AgentState, AgentStateChanged, DeskChanged, OfferMade, PhoneChanged
from switchroom.domain.ids import AgentId, Extension
from tests.fixtures.acd_house import ANN, BOB, CONFIG, House

pytestmark = pytest.mark.virtual_time

WINDOW = Extension("2001")


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


async def test_given_an_agent_in_a_talk_then_nobody_takes_their_phone_and_they_stay_there(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    for agent_id, extension in ((BOB, Extension(ANN)), (ANN, WINDOW)):
        with pytest.raises(Refused, match="in use"):
            await house.acd.take_desk(agent_id, extension)
    assert house.state(ANN) is AgentState.BUSY
    assert house.of(DeskChanged) == [house.of(DeskChanged)[0]]


async def test_given_an_agent_whose_desk_was_taken_then_they_get_their_own_again_or_hear_that_it_is_taken(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.acd.take_desk(BOB, Extension(ANN))
    with pytest.raises(Refused, match="Somebody else sits at your phone 1001"):
        await house.acd.set_state(ANN, "available", None)
    await house.acd.take_desk(BOB, WINDOW)
    view = await house.acd.set_state(ANN, "available", None)
    assert (view.state, view.extension, view.phone_registered) == (AgentState.AVAILABLE, ANN, True)


async def test_given_a_restart_then_all_sit_where_they_sat_whoever_comes_first_in_the_file(house: House) -> None:
    now = house.clock.now()
    states = [AgentStateChanged(at=now, agent_id=agent_id, state=AgentState.AVAILABLE) for agent_id in (ANN, BOB)]
    house.configure(replace(CONFIG, further_phones=(WINDOW,)))
    house.acd.restore(states, {ANN: Extension(BOB), BOB: WINDOW})
    assert [(a.id, a.extension, a.state) for a in house.acd.agents()] == [
        (ANN, Extension(BOB), AgentState.AVAILABLE),
        (BOB, WINDOW, AgentState.AVAILABLE),
    ]
    house.configure(CONFIG)
    house.acd.restore(states, {ANN: Extension(BOB)})
    assert [a.extension for a in house.acd.agents()] == [Extension(BOB), None]


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
