"""What every softswitch keeps while an agent has a caller: hold and resume, who leaves, a lost connection."""

import asyncio

import pytest

from telephony.softswitch.port import LivePhase, SwitchError, SwitchUp
from tests.e2e.switch import WAITING, Switch
from tests.e2e.talks import ASKED, conference, consulting, held, live, phone, talking, talks_of
from tests.e2e.worlds import AGENT, EXPERT, World, of_call, queued, written_down
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.support.waiting import eventually

MUSIC = (LivePhase.HELD, LivePhase.CONSULTING)


async def test_a_held_caller_hears_music_and_is_back_with_the_agent_when_resumed(world: World, switch: Switch) -> None:
    told = await held(world, switch)
    call = await live(switch, told, LivePhase.HELD)
    assert (call.agent_id, call.offer_id, call.second, call.waiting) == (AGENT, OFFER, None, WAITING)
    assert call.answered_at is not None
    await switch.softswitch.resume(told.contact_id)
    await switch.told(told.to_agent)
    assert (await live(switch, told, LivePhase.TALKING)).answered_at == call.answered_at
    assert of_call(switch) == [told.held, told.to_agent]
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[2:] == [told.left(), told.gone]
    assert await talks_of(switch, told) == [(OFFER, AGENT)]
    await phone(switch, AGENT, in_use=False)


async def test_a_caller_can_be_held_again_and_again(world: World, switch: Switch) -> None:
    told = await talking(world, switch)
    for _ in range(3):
        switch.events.clear()
        await switch.softswitch.hold(told.contact_id)
        await switch.told(told.held)
        await switch.softswitch.resume(told.contact_id)
        await switch.told(told.to_agent)
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[2:] == [told.left(), told.gone]
    await phone(switch, AGENT, in_use=False)


async def test_a_caller_who_leaves_while_held_ends_the_call(world: World, switch: Switch) -> None:
    told = await held(world, switch)
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch) == [told.held, told.left(), told.gone]
    await phone(switch, AGENT, in_use=False)


async def test_an_agent_who_leaves_while_the_caller_is_held_leaves_them_in_line(world: World, switch: Switch) -> None:
    told = await held(world, switch)
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.left(waits=True))
    call = await live(switch, told, LivePhase.WAITING)
    assert (call.waiting, call.agent_id, call.offer_id) == (WAITING, None, None)
    assert [talk.offer_id for talk in call.talks] == [OFFER]
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    past = await written_down(switch, told.contact_id)
    assert past.waited_again is not None and past.waited_again.enqueued_at == WAITING.enqueued_at
    assert not past.transferred


@pytest.mark.parametrize("after_ms", [0, 3, 8, 20])
async def test_an_agent_who_hangs_up_in_the_moment_of_the_resume_leaves_nobody_in_silence(
    world: World, switch: Switch, after_ms: int
) -> None:
    told = await held(world, switch)
    await switch.softswitch.resume(told.contact_id)
    await asyncio.sleep(after_ms / 1000)
    await world.agent_hangs_up(told.contact_id)
    await eventually(
        lambda: {told.left(), told.left(waits=True)} & {*of_call(switch)}, "the call is over, or the caller in line"
    )
    await phone(switch, AGENT, in_use=False)


async def test_a_held_caller_can_be_transferred(world: World, switch: Switch) -> None:
    told = await held(world, switch)
    await switch.softswitch.transfer(told.contact_id, WAITING)
    await switch.told(told.left(waits=True, transferred=True))
    await live(switch, told, LivePhase.WAITING)
    await phone(switch, AGENT, in_use=False)


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (held, LivePhase.HELD),
        (consulting, LivePhase.CONSULTING),
        (conference, LivePhase.CONFERENCE),
    ],
)
async def test_after_a_lost_connection_the_call_is_found_as_what_it_is_and_can_be_steered_on(
    world: World, switch: Switch, state: object, phase: LivePhase
) -> None:
    told = await state(world, switch)  # type: ignore[operator]
    await switch.softswitch.stop()
    with pytest.raises(SwitchError):
        await switch.softswitch.hold(told.contact_id)
    switch.events.clear()
    await switch.softswitch.start(switch.take)
    await switch.told(SwitchUp())
    call = await live(switch, told, phase)
    assert (call.agent_id, call.offer_id, call.waiting) == (AGENT, OFFER, WAITING)
    assert (call.second.agent_id if call.second else None) == (None if phase is LivePhase.HELD else EXPERT)
    if phase in MUSIC:
        await switch.softswitch.resume(told.contact_id)
        await switch.told(told.to_agent)
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    await phone(switch, AGENT, in_use=False)


async def test_nobody_can_hold_a_caller_whom_no_agent_has(world: World, switch: Switch) -> None:
    contact_id = await queued(world, switch)
    with pytest.raises(SwitchError):
        await switch.softswitch.hold(contact_id)
    with pytest.raises(SwitchError):
        await switch.softswitch.consult(contact_id, delivery(EXPERT, 1, ASKED))
    assert await switch.phase(contact_id) is LivePhase.WAITING
