"""What every softswitch keeps while an agent has a caller: hold, consultation, attended transfer, conference."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from telephony.softswitch.port import (
    AgentAnswered,
    AgentLeft,
    AgentRinging,
    CallerHeld,
    CallerJoined,
    CallerLeft,
    ConferenceBegan,
    ConsultBegan,
    ConsultOver,
    LiveCall,
    LivePhase,
    PhoneState,
    SwitchError,
    SwitchUp,
)
from tests.e2e.switch import WAITING, Switch
from tests.e2e.worlds import ABSENT, AGENT, EXPERT, World, observed, of_call, queued, written_down
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.fakes.fake_talks import Behaviour
from tests.support.waiting import eventually

ASKED = OfferId("c1")
MUSIC = (LivePhase.HELD, LivePhase.CONSULTING)


@pytest.fixture
async def switch(world: World) -> AsyncIterator[Switch]:
    made = await observed(world)
    yield made
    await made.hang_up_all()
    await made.softswitch.stop()


class Told:
    """The events of one call, as they are expected."""

    def __init__(self, contact_id: ContactId) -> None:
        self.contact_id = contact_id
        self.held = CallerHeld(contact_id=contact_id)
        self.began = ConsultBegan(contact_id=contact_id, offer_id=ASKED, agent_id=EXPERT)
        self.rings = AgentRinging(contact_id=contact_id, offer_id=ASKED, agent_id=EXPERT)
        self.answered = AgentAnswered(contact_id=contact_id, offer_id=ASKED, agent_id=EXPERT)
        self.three = ConferenceBegan(contact_id=contact_id, offer_id=ASKED, agent_id=EXPERT)
        self.gone = CallerLeft(contact_id=contact_id)
        self.expert_left = AgentLeft(contact_id=contact_id, offer_id=ASKED, agent_id=EXPERT)
        self.to_agent = CallerJoined(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT)
        self.to_expert = CallerJoined(contact_id=contact_id, offer_id=ASKED, agent_id=EXPERT)

    def over(self, failure: OfferFailure | None = None, agent: AgentId = EXPERT) -> ConsultOver:
        return ConsultOver(contact_id=self.contact_id, offer_id=ASKED, agent_id=agent, failure=failure)

    def left(self, *, waits: bool = False, transferred: bool = False) -> AgentLeft:
        return AgentLeft(
            contact_id=self.contact_id, offer_id=OFFER, agent_id=AGENT, waits=waits, transferred=transferred
        )


async def talking(world: World, switch: Switch) -> Told:
    """A caller who talks to the agent; what was told so far is forgotten."""
    await world.register(AGENT, "answers")
    contact_id = await queued(world, switch)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await phone(switch, AGENT, in_use=True)
    switch.events.clear()
    return Told(contact_id)


async def held(world: World, switch: Switch) -> Told:
    told = await talking(world, switch)
    await switch.softswitch.hold(told.contact_id)
    await switch.told(told.held)
    return told


async def asked(world: World, switch: Switch, behaviour: Behaviour = "answers", ring_s: int = 10) -> Told:
    """The agent asks the expert, who does that."""
    await world.register(EXPERT, behaviour)
    told = await talking(world, switch)
    await switch.softswitch.consult(told.contact_id, delivery(EXPERT, ring_s, ASKED))
    await switch.told(told.began)
    return told


async def consulting(world: World, switch: Switch) -> Told:
    told = await asked(world, switch)
    await switch.told(told.answered)
    return told


async def conference(world: World, switch: Switch) -> Told:
    told = await consulting(world, switch)
    await switch.softswitch.conference(told.contact_id)
    await switch.told(told.three)
    return told


async def live(switch: Switch, told: Told, phase: LivePhase) -> LiveCall:
    await switch.until_phase(told.contact_id, phase)
    call = await switch.live(told.contact_id)
    assert call is not None
    return call


async def phone(switch: Switch, agent: AgentId, *, in_use: bool) -> None:
    """The phone is in use, or free again: nobody is left behind in a call."""
    await switch.told_last(PhoneState(extension=Extension(agent), registered=True, in_use=in_use))


async def talks_of(switch: Switch, told: Told) -> list[tuple[OfferId | None, AgentId]]:
    past = await written_down(switch, told.contact_id)
    assert all(
        talk.ended_at and past.entered_at < talk.began_at <= talk.ended_at <= past.ended_at for talk in past.talks
    )
    return [(talk.offer_id, talk.agent_id) for talk in past.talks]


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


async def test_a_held_caller_can_be_transferred(world: World, switch: Switch) -> None:
    told = await held(world, switch)
    await switch.softswitch.transfer(told.contact_id, WAITING)
    await switch.told(told.left(waits=True, transferred=True))
    await live(switch, told, LivePhase.WAITING)
    await phone(switch, AGENT, in_use=False)


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
    assert await talks_of(switch, told) == [(ASKED, EXPERT), (OFFER, AGENT)]


async def test_a_conference_from_which_the_agent_leaves_goes_on_with_the_expert(world: World, switch: Switch) -> None:
    told = await conference(world, switch)
    await world.agent_hangs_up(told.contact_id)
    await switch.told(told.left())
    call = await live(switch, told, LivePhase.TALKING)
    assert (call.agent_id, call.offer_id, call.second) == (EXPERT, ASKED, None)
    assert [talk.offer_id for talk in call.talks] == [OFFER]
    await phone(switch, AGENT, in_use=False)
    await switch.softswitch.hold(told.contact_id)
    await switch.told(told.held)
    await switch.softswitch.resume(told.contact_id)
    await switch.told(told.to_expert)
    await world.caller_hangs_up(told.contact_id)
    await switch.told(told.gone)
    assert of_call(switch)[-2:] == [told.expert_left, told.gone]
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
