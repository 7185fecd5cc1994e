"""What every softswitch keeps: the fake that unit tests use, and the real Asterisk behind AMI."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from switchroom.domain.contact import Requirements
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import Extension, OfferId, QueueName
from telephony.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerArrived,
    CallerLeft,
    CallGone,
    LivePhase,
    PhoneState,
    SwitchError,
    SwitchUp,
)
from tests.e2e.switch import COLLECTED, WAITING, Switch
from tests.e2e.worlds import ABSENT, AGENT, CALLER, NUMBER, World, of_call, queued, written_down
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.fakes.fake_talks import Behaviour


async def test_a_caller_arrives_in_the_menu_and_waits_with_what_was_written(world: World, switch: Switch) -> None:
    await world.call()
    contact_id = await switch.arrived()
    assert of_call(switch) == [CallerArrived(contact_id=contact_id, number=NUMBER, caller=CALLER)]
    await switch.until_phase(contact_id, LivePhase.IN_MENU)
    await switch.softswitch.wait(contact_id, WAITING, COLLECTED)
    assert await switch.phase(contact_id) is LivePhase.IN_MENU, "until the menu lets go"
    await world.let_go(contact_id)
    await switch.until_phase(contact_id, LivePhase.WAITING)
    call = await switch.live(contact_id)
    assert call is not None
    assert (call.number, call.caller, call.agent_id) == (NUMBER, CALLER, None)
    assert (call.waiting, call.collected) == (WAITING, COLLECTED)


async def test_a_snapshot_tells_for_how_long_the_softswitch_has_been_running(world: World, switch: Switch) -> None:
    first, second = [(await switch.softswitch.snapshot()).uptime_s for _ in range(2)]
    assert first is not None and second is not None
    assert 0 <= first <= second < 3600


async def test_a_menu_that_finishes_ends_the_call(world: World, switch: Switch) -> None:
    await world.call()
    contact_id = await switch.arrived()
    await switch.softswitch.finish(contact_id)
    await world.let_go(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    assert await switch.live(contact_id) is None


@pytest.mark.parametrize("still_in_the_menu", [False, True])
async def test_an_agent_rings_answers_and_hangs_up(world: World, switch: Switch, still_in_the_menu: bool) -> None:
    await world.register(AGENT, "answers")
    await switch.told(PhoneState(extension=Extension(AGENT), registered=True, in_use=False))
    if still_in_the_menu:
        await world.call()
        contact_id = await switch.arrived()
        await switch.softswitch.wait(contact_id, WAITING, COLLECTED)
    else:
        contact_id = await queued(world, switch)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await switch.told(PhoneState(extension=Extension(AGENT), registered=True, in_use=True))
    call = await switch.live(contact_id)
    assert call is not None
    assert (call.phase, call.agent_id, call.waiting) == (LivePhase.TALKING, AGENT, WAITING)
    await world.agent_hangs_up(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    assert of_call(switch)[1:] == [
        AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT),
        AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT),
        AgentLeft(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT),
        CallerLeft(contact_id=contact_id),
    ]


async def test_the_caller_ends_the_talk(world: World, switch: Switch) -> None:
    await world.register(AGENT, "answers")
    contact_id = await queued(world, switch)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await world.caller_hangs_up(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    assert of_call(switch)[-2:] == [
        AgentLeft(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT),
        CallerLeft(contact_id=contact_id),
    ]


async def test_a_caller_who_is_transferred_waits_again_and_talks_to_the_next(world: World, switch: Switch) -> None:
    await world.register(AGENT, "answers")
    contact_id = await queued(world, switch)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    place = replace(WAITING, requirements=Requirements(QueueName("complaints"), {"lang:zh": 1}))
    await switch.softswitch.transfer(contact_id, place)
    await switch.told(AgentLeft(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT, waits=True, transferred=True))
    await switch.until_phase(contact_id, LivePhase.WAITING)
    call = await switch.live(contact_id)
    assert call is not None
    assert (call.waiting, dict(call.collected), call.agent_id, call.offer_id) == (place, COLLECTED, None, None)
    assert [(talk.offer_id, talk.agent_id) for talk in call.talks] == [(OFFER, AGENT)]
    await switch.told(PhoneState(extension=Extension(AGENT), registered=True, in_use=False))

    second = OfferId("o2")
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10, second))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=second, agent_id=AGENT))
    await world.caller_hangs_up(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    assert of_call(switch)[-2:] == [
        AgentLeft(contact_id=contact_id, offer_id=second, agent_id=AGENT),
        CallerLeft(contact_id=contact_id),
    ]
    past = await written_down(switch, contact_id)
    assert [talk.offer_id for talk in past.talks] == [OFFER, second]
    assert (past.waited_again, past.transferred) == (None, False)


async def test_a_caller_who_gives_up_after_a_transfer_is_written_down_so(world: World, switch: Switch) -> None:
    await world.register(AGENT, "answers")
    contact_id = await queued(world, switch)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    place = replace(WAITING, enqueued_at=datetime.now(UTC))
    await switch.softswitch.transfer(contact_id, place)
    await switch.until_phase(contact_id, LivePhase.WAITING)
    await world.caller_hangs_up(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    past = await written_down(switch, contact_id)
    assert past.waited_again is not None and past.transferred
    assert past.waited_again.requirements.queue == place.requirements.queue


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [("rings", OfferFailure.NO_ANSWER), ("busy", OfferFailure.BUSY), (None, OfferFailure.UNREACHABLE)],
)
async def test_an_agent_who_does_not_take_the_call_leaves_the_caller_waiting(
    world: World, switch: Switch, behaviour: Behaviour | None, failure: OfferFailure
) -> None:
    agent = AGENT if behaviour else ABSENT
    if behaviour:
        await world.register(AGENT, behaviour)
    contact_id = await queued(world, switch)
    await switch.softswitch.connect(contact_id, delivery(agent, 1))
    if behaviour == "rings":
        await switch.told(AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=agent))
        assert await switch.phase(contact_id) is LivePhase.RINGING
        await world.nobody_answers(contact_id)
    await switch.told(AgentFailed(contact_id=contact_id, offer_id=OFFER, agent_id=agent, failure=failure))
    await switch.until_phase(contact_id, LivePhase.WAITING)
    call = await switch.live(contact_id)
    assert call is not None
    assert (call.waiting, call.agent_id) == (WAITING, None)


async def test_a_caller_who_hangs_up_while_it_rings_is_told_before_the_end(world: World, switch: Switch) -> None:
    await world.register(AGENT, "rings")
    contact_id = await queued(world, switch)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await world.caller_hangs_up(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    assert of_call(switch)[-2:] == [
        AgentFailed(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT, failure=OfferFailure.CALLER_LEFT),
        CallerLeft(contact_id=contact_id),
    ]


async def test_a_call_that_is_over_is_gone_for_every_command(world: World, switch: Switch) -> None:
    contact_id = await queued(world, switch)
    await switch.softswitch.hang_up(contact_id)
    await switch.told(CallerLeft(contact_id=contact_id))
    for command in (
        switch.softswitch.wait(contact_id, WAITING, COLLECTED),
        switch.softswitch.connect(contact_id, delivery(AGENT, 10)),
        switch.softswitch.transfer(contact_id, WAITING),
        switch.softswitch.finish(contact_id),
        switch.softswitch.hang_up(contact_id),
    ):
        with pytest.raises(CallGone):
            await command


async def test_a_stopped_softswitch_refuses_every_command(world: World, switch: Switch) -> None:
    contact_id = await queued(world, switch)
    await switch.softswitch.stop()
    assert not switch.softswitch.connected
    with pytest.raises(SwitchError):
        await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    with pytest.raises(SwitchError):
        await switch.softswitch.snapshot()
    switch.events.clear()
    await switch.softswitch.start(switch.events.append)
    await switch.told(SwitchUp())
    assert await switch.phase(contact_id) is LivePhase.WAITING, "the call went on"
