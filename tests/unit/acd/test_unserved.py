"""Contacts whom nobody on duty may serve: told at once, and sent to the fallback after their limit."""

from datetime import timedelta

import pytest

from switchroom.domain.contact import CustomerTier
from switchroom.domain.events import NobodyOnDuty, PlaceChanged
from tests.fixtures.acd_house import ANN, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_nobody_on_duty_who_may_serve_then_it_is_told_at_once_and_the_contact_goes_to_the_fallback(
    house: House,
) -> None:
    await house.open(ANN)
    await house.acd.set_state(ANN, "paused", "lunch")
    came = house.clock.now()
    await house.queue("one", skill="cantonese")
    [told] = house.of(NobodyOnDuty)
    assert (told.contact_id, told.until) == ("one", came + timedelta(seconds=60))
    await house.passes(59)
    assert house.of(PlaceChanged) == []
    await house.passes(1)
    [moved] = house.of(PlaceChanged)
    assert (moved.requirements.skills, moved.enqueued_at, moved.why) == ({"returns": 1}, came, "nobody_on_duty")
    assert house.channels.required == {"one": moved.requirements}
    await house.acd.set_state(ANN, "available", None)
    await settle()
    assert house.offers() == [("one", ANN)]


async def test_given_an_agent_who_comes_or_goes_then_who_may_never_be_served_changes(house: House) -> None:
    await house.open()
    await house.queue("one")
    assert len(house.of(NobodyOnDuty)) == 1
    await house.acd.set_state(ANN, "paused", None)
    await settle()
    await house.passes(120)
    assert house.of(PlaceChanged) == []
    await house.acd.set_state(ANN, "logged_out", None)
    await settle()
    assert len(house.of(NobodyOnDuty)) == 2


async def test_given_a_place_that_changes_then_the_limit_of_the_unserved_goes_on(house: House) -> None:
    await house.open(ANN)
    await house.queue("one", skill="cantonese")
    await house.passes(50)
    await house.place_changed("one", CustomerTier.GOLD)
    assert len(house.of(NobodyOnDuty)) == 1
    await house.passes(10)
    assert [event.why for event in house.of(PlaceChanged)] == ["tier_learned", "nobody_on_duty"]
