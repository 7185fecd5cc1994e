"""A second agent's leg takes the room of a call: it is not called without, and a caller finds it taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.softphone import SoftphoneError
from softswitch_config.installation import Installation
from switchroom.domain.events import OfferFailure
from telephony.softswitch.port import CallerArrived, CallerJoined
from tests.e2e.conftest import RunningAsterisk, Softphones, start_asterisk
from tests.e2e.talks import ASKED, phone, talking
from tests.e2e.worlds import EXPERT, NUMBER, RealWorld, observed
from tests.fakes.fake_softswitch import delivery
from tests.support.waiting import eventually


@pytest.fixture
def small(installation: Installation, short_home: Path) -> Iterator[RunningAsterisk]:
    running = start_asterisk(installation, short_home, max_calls=2)
    yield running
    running.local.stop()


async def test_given_room_for_two_calls_then_a_call_and_a_second_agent_fill_it(small: RunningAsterisk) -> None:
    softphones = Softphones(small)
    world = RealWorld(small, softphones)
    await world.menu.start()
    switch = await observed(world.softswitch)
    try:
        await world.register(EXPERT, "answers")
        told = await talking(world, switch)
        await switch.softswitch.consult(told.contact_id, delivery(EXPERT, 10, ASKED))
        await switch.told(told.answered)
        refused = softphones.customer("13900139000").call(NUMBER)
        with pytest.raises(SoftphoneError, match="486"):
            refused.wait_answered(10)

        await switch.softswitch.resume(told.contact_id)
        await switch.told(told.to_agent)
        await phone(switch, EXPERT, in_use=False)
        softphones.customer("13700137000").call(NUMBER)
        await eventually(lambda: any(isinstance(event, CallerArrived) for event in switch.events), "there is room")
        switch.events.clear()
        await switch.softswitch.consult(told.contact_id, delivery(EXPERT, 10, ASKED))
        await switch.told(told.over(OfferFailure.SWITCH_FAILED))
        await switch.told(told.to_agent)
        assert [type(event) for event in switch.events][-1] is CallerJoined
    finally:
        await switch.hang_up_all()
        await switch.softswitch.stop()
        await world.menu.stop()
        softphones.stop()
