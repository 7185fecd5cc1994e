"""What every softswitch keeps while an agent asks another: return, hand over, whoever leaves."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from switchroom.domain.events import OfferFailure
from telephony.softswitch.port import LivePhase
from tests.e2e.switch import WAITING, Switch
from tests.e2e.talks import ASKED, consulting, held, live, phone, talking, talks_of
from tests.e2e.worlds import ABSENT, AGENT, EXPERT, World, of_call
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.fakes.fake_talks import Behaviour


async def test_an_agent_asks_another_and_returns(world: World, switch: Switch) -> None:
    told = await consulting(world, switch)
    call = await live(switch, told, LivePhase.CONSULTING)
    assert (call.agent_id, call.offer_id) == (AGENT, OFFER)
    assert call.second is not None
    assert (call.second.agent_id, call.second.offer_id, call.second.answered) == (EXPERT, ASKED, True)
    await phone(switch, EXPERT, in_use=True)
    await switch.softswitch.resume(told.contact_id)
    await switch.told(told.to_agent)
    call = await live(switch, told, LivePhase.TALKING)
    assert (call.agent_id, call.second) == (AGENT, None)
    assert of_call(switch) == [told.began, told.rings, told.answered, told.over(), told.to_agent]
    await phone(switch, EXPERT, in_use=False)
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[5:] == [told.left(), told.gone]
    await phone(switch, AGENT, in_use=False)


async def test_an_agent_asks_out_of_a_hold_and_gives_up_while_it_rings(world: World, switch: Switch) -> None:
    await world.register(EXPERT, "rings")
    told = await held(world, switch)
    await switch.softswitch.consult(told.contact_id, delivery(EXPERT, 10, ASKED))
    await switch.told(told.rings)
    call = await live(switch, told, LivePhase.CONSULTING)
    assert call.second is not None and not call.second.answered
    await switch.softswitch.resume(told.contact_id)
    await switch.told(told.to_agent)
    assert of_call(switch)[1:] == [told.began, told.rings, told.over(OfferFailure.CALLER_LEFT), told.to_agent]
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    await phone(switch, AGENT, in_use=False)


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [("rings", OfferFailure.NO_ANSWER), ("busy", OfferFailure.BUSY), (None, OfferFailure.UNREACHABLE)],
)
async def test_when_nobody_takes_the_question_the_caller_is_back_with_the_agent(
    world: World, switch: Switch, behaviour: Behaviour | None, failure: OfferFailure
) -> None:
    expert = EXPERT if behaviour else ABSENT
    if behaviour:
        await world.register(EXPERT, behaviour)
    told = await talking(world, switch)
    await switch.softswitch.consult(told.contact_id, delivery(expert, 1, ASKED))
    if behaviour == "rings":
        await switch.told(told.rings)
        await world.nobody_answers(told.contact_id)
    await switch.told(told.to_agent)
    assert of_call(switch)[-2:] == [told.over(failure, expert), told.to_agent]
    assert (await live(switch, told, LivePhase.TALKING)).second is None
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.gone)
    await phone(switch, AGENT, in_use=False)


async def test_when_the_consulted_agent_hangs_up_the_caller_is_back_with_the_first(
    world: World, switch: Switch
) -> None:
    told = await consulting(world, switch)
    await world.expert_hangs_up(told.contact_id)
    await switch.told(told.to_agent)
    assert of_call(switch)[3:] == [told.over(), told.to_agent]
    await phone(switch, EXPERT, in_use=False)
    assert (await live(switch, told, LivePhase.TALKING)).agent_id == AGENT


async def test_a_caller_who_leaves_in_a_consultation_ends_it(world: World, switch: Switch) -> None:
    told = await consulting(world, switch)
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[3:] == [told.left(), told.over(), told.gone]
    assert await talks_of(switch, told) == [(OFFER, AGENT)]
    await phone(switch, AGENT, in_use=False)
    await phone(switch, EXPERT, in_use=False)


async def test_an_agent_who_leaves_in_a_consultation_leaves_the_caller_in_line(world: World, switch: Switch) -> None:
    told = await consulting(world, switch)
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.left(waits=True))
    call = await live(switch, told, LivePhase.WAITING)
    assert (call.waiting, call.agent_id, call.second) == (WAITING, None, None)
    assert of_call(switch)[3:] == [told.left(waits=True), told.over()]
    await phone(switch, AGENT, in_use=False)
    await phone(switch, EXPERT, in_use=False)


async def test_an_attended_transfer_ends_one_talk_and_begins_the_next(world: World, switch: Switch) -> None:
    told = await consulting(world, switch)
    await switch.softswitch.complete(told.contact_id)
    await switch.told(told.to_expert)
    assert of_call(switch)[3:] == [told.left(), told.to_expert]
    call = await live(switch, told, LivePhase.TALKING)
    assert (call.agent_id, call.offer_id, call.second) == (EXPERT, ASKED, None)
    [over] = call.talks
    assert (over.agent_id, over.offer_id) == (AGENT, OFFER)
    assert call.answered_at is not None and over.ended_at is not None
    assert timedelta() <= call.answered_at - over.ended_at < timedelta(seconds=1)
    await phone(switch, AGENT, in_use=False)

    await switch.softswitch.hold(told.contact_id)
    await switch.told(told.held)
    await switch.softswitch.resume(told.contact_id)
    await live(switch, told, LivePhase.TALKING)
    await world.expert_ends_the_talk(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[-2:] == [told.expert_left, told.gone]
    assert await talks_of(switch, told) == [(OFFER, AGENT), (ASKED, EXPERT)]
    await phone(switch, EXPERT, in_use=False)


async def test_when_the_consulted_agent_hangs_up_in_the_moment_of_the_hand_over_the_caller_is_with_somebody_or_in_line(
    world: World, switch: Switch
) -> None:
    told = await consulting(world, switch)
    await world.expert_hangs_up(told.contact_id)
    with contextlib.suppress(AssertionError):  # of the fake, which has nobody to hand over to
        await switch.softswitch.complete(told.contact_id)
    await phone(switch, EXPERT, in_use=False)
    for _ in range(50):
        call = await switch.live(told.contact_id)
        assert call is not None
        if (call.phase, call.agent_id) in ((LivePhase.TALKING, AGENT), (LivePhase.WAITING, None)):
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"the caller is with nobody: {call}")
