"""What every softswitch keeps of a conference, whoever leaves it."""

import asyncio
import contextlib

from telephony.softswitch.port import LivePhase, SwitchError
from tests.e2e.switch import Switch
from tests.e2e.talks import ASKED, conference, consulting, live, phone, talks_of
from tests.e2e.worlds import AGENT, EXPERT, World, closed, of_call
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.support.waiting import eventually

ROUNDS = 10


async def test_a_conference_from_which_the_expert_leaves(world: World, switch: Switch) -> None:
    told = await conference(world, switch)
    call = await live(switch, told, LivePhase.CONFERENCE)
    assert (call.agent_id, call.offer_id) == (AGENT, OFFER)
    assert call.second is not None and call.second.joined_at is not None
    assert (call.second.agent_id, call.second.offer_id) == (EXPERT, ASKED)
    await world.expert_hangs_up(told.contact_id)
    await switch.told(told.expert_left)
    call = await live(switch, told, LivePhase.TALKING)
    assert (call.agent_id, call.second) == (AGENT, None)
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[3:] == [told.three, told.expert_left, told.left(), told.gone]
    assert closed(switch, told.contact_id) == [AGENT]
    assert await talks_of(switch, told) == [(ASKED, EXPERT), (OFFER, AGENT)]


async def test_an_expert_who_leaves_while_the_conference_begins_is_told_of_as_one_who_was_in_it_or_as_one_who_was_not(
    world: World, switch: Switch
) -> None:
    told = await consulting(world, switch)
    for again in range(ROUNDS):
        begins = asyncio.create_task(switch.softswitch.conference(told.contact_id))
        await asyncio.sleep(again * 0.001)
        await world.expert_hangs_up(told.contact_id)
        with contextlib.suppress(SwitchError):  # the expert was gone before it was asked for
            await begins
        await eventually(lambda: told.expert_left in switch.events or told.over() in switch.events, f"round {again}")
        call = await live(switch, told, LivePhase.TALKING)
        assert (call.agent_id, call.second) == (AGENT, None)
        if told.expert_left not in switch.events:
            await switch.told(told.to_agent)
            assert told.over() in switch.events
        else:
            assert of_call(switch)[-2:] == [told.three, told.expert_left]
        switch.events.clear()
        await phone(switch, EXPERT, in_use=False)
        await switch.softswitch.consult(told.contact_id, delivery(EXPERT, 10, ASKED))
        await switch.told(told.answered)
        switch.events.clear()
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)


async def test_a_conference_from_which_the_agent_leaves_goes_on_with_the_expert(world: World, switch: Switch) -> None:
    told = await conference(world, switch)
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.left())
    call = await live(switch, told, LivePhase.TALKING)
    assert (call.agent_id, call.offer_id, call.second) == (EXPERT, ASKED, None)
    assert [talk.offer_id for talk in call.talks] == [OFFER]
    await phone(switch, AGENT, in_use=False)
    assert closed(switch, told.contact_id) == [], "it goes on with the two who stay"
    await switch.softswitch.hold(told.contact_id)
    await switch.told(told.held)
    assert closed(switch, told.contact_id) == [AGENT]
    await switch.softswitch.resume(told.contact_id)
    await switch.told(told.to_expert)
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[-2:] == [told.expert_left, told.gone]
    assert closed(switch, told.contact_id) == [AGENT, EXPERT]
    assert await talks_of(switch, told) == [(OFFER, AGENT), (ASKED, EXPERT)]
    await phone(switch, EXPERT, in_use=False)


async def test_a_conference_from_which_the_caller_leaves_is_over(world: World, switch: Switch) -> None:
    told = await conference(world, switch)
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[3:] == [told.three, told.left(), told.expert_left, told.gone]
    assert await talks_of(switch, told) == [(OFFER, AGENT), (ASKED, EXPERT)]
    await phone(switch, AGENT, in_use=False)
    await phone(switch, EXPERT, in_use=False)
