"""Who hears whom while a caller is held, in a consultation, handed over, and in a conference; and what is recorded."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from switchroom.domain.ids import AgentId, OfferId
from telephony.softswitch.port import (
    AgentAnswered,
    AgentLeft,
    CallerHeld,
    CallerJoined,
    CallerLeft,
    ConferenceBegan,
    ConsultBegan,
)
from tests.e2e.audio import MUSIC, hear, heard, read_stereo, say
from tests.e2e.conftest import RunningAsterisk, Softphones
from tests.e2e.switch import Switch
from tests.e2e.worlds import AGENT, EXPERT, RealWorld, observed, queued
from tests.fakes.fake_softswitch import OFFER, delivery

ASKED = OfferId("c1")


class Stage:
    """A caller who talks to the agent; each says a tone, for as long as it lasts."""

    def __init__(self, world: RealWorld, switch: Switch) -> None:
        self.world, self.switch = world, switch

    async def begin(self) -> None:
        await self.world.register(AGENT, "answers")
        await self.world.register(EXPERT, "answers")
        self.contact_id = await queued(self.world, self.switch)
        await self.switch.softswitch.connect(self.contact_id, delivery(AGENT, 10))
        await self.switch.told(AgentAnswered(contact_id=self.contact_id, offer_id=OFFER, agent_id=AGENT))
        self.calls = {"caller": self.world.caller, "agent": self.world.of(AGENT)}
        for who, call in self.calls.items():
            say(call, who)

    async def consult(self) -> None:
        await self.switch.softswitch.consult(self.contact_id, delivery(EXPERT, 10, ASKED))
        await self.switch.told(ConsultBegan(contact_id=self.contact_id, offer_id=ASKED, agent_id=EXPERT))
        await self.switch.told(AgentAnswered(contact_id=self.contact_id, offer_id=ASKED, agent_id=EXPERT))
        self.calls["expert"] = self.world.of(EXPERT)
        say(self.calls["expert"], "expert")

    async def joined(self, offer_id: OfferId, agent_id: AgentId) -> None:
        await self.switch.told(CallerJoined(contact_id=self.contact_id, offer_id=offer_id, agent_id=agent_id))
        self.switch.events.clear()

    async def hear(self, **expected: Collection[str]) -> None:
        """Wait until everybody hears exactly these for a while."""
        await hear({self.calls[who]: whom for who, whom in expected.items()})


@pytest.fixture
async def stage(asterisk: RunningAsterisk, softphones: Softphones) -> AsyncIterator[Stage]:
    world = RealWorld(asterisk, softphones)
    await world.menu.start()
    switch = await observed(world.softswitch)
    found = Stage(world, switch)
    await found.begin()
    yield found
    await switch.hang_up_all()
    await switch.softswitch.stop()
    await world.menu.stop()


async def test_a_held_caller_hears_music_and_the_agent_nobody_and_then_both_each_other(
    stage: Stage, asterisk: RunningAsterisk
) -> None:
    await stage.hear(caller={"agent"}, agent={"caller"})
    await stage.switch.softswitch.hold(stage.contact_id)
    await stage.switch.told(CallerHeld(contact_id=stage.contact_id))
    await stage.hear(caller={MUSIC}, agent=())
    await stage.switch.softswitch.resume(stage.contact_id)
    await stage.joined(OFFER, AGENT)
    await stage.hear(caller={"agent"}, agent={"caller"})
    stage.calls["caller"].hang_up()
    await stage.switch.told(CallerLeft(contact_id=stage.contact_id))
    left, right = read_stereo(recording(asterisk, stage, AGENT))
    assert (heard(left), heard(right)) == ({"caller"}, {"agent"}), "one file, and no music in it"


async def test_who_hears_whom_in_a_consultation_and_after_it(stage: Stage, asterisk: RunningAsterisk) -> None:
    await stage.consult()
    await stage.hear(caller={MUSIC}, agent={"expert"}, expert={"agent"})
    await stage.switch.softswitch.complete(stage.contact_id)
    await stage.switch.told(AgentLeft(contact_id=stage.contact_id, offer_id=OFFER, agent_id=AGENT))
    await stage.joined(ASKED, EXPERT)
    await stage.hear(caller={"expert"}, expert={"caller"})
    assert stage.calls["agent"].ended_at is not None
    stage.calls["expert"].hang_up()
    await stage.switch.told(CallerLeft(contact_id=stage.contact_id))
    left, right = read_stereo(recording(asterisk, stage, EXPERT))
    assert (heard(left), heard(right)) == ({"caller"}, {"expert"})


async def test_in_a_conference_everybody_hears_the_others_and_who_stays_hears_who_stays(
    stage: Stage, asterisk: RunningAsterisk
) -> None:
    await stage.consult()
    await stage.switch.softswitch.conference(stage.contact_id)
    await stage.switch.told(ConferenceBegan(contact_id=stage.contact_id, offer_id=ASKED, agent_id=EXPERT))
    await stage.hear(caller={"agent", "expert"}, agent={"caller", "expert"}, expert={"caller", "agent"})
    stage.calls["agent"].hang_up()
    await stage.switch.told(AgentLeft(contact_id=stage.contact_id, offer_id=OFFER, agent_id=AGENT))
    await stage.hear(caller={"expert"}, expert={"caller"})

    await stage.switch.softswitch.hold(stage.contact_id)
    await stage.switch.told(CallerHeld(contact_id=stage.contact_id))
    closed = recording(asterisk, stage, AGENT)
    size = closed.stat().st_size
    await stage.switch.softswitch.resume(stage.contact_id)
    await stage.joined(ASKED, EXPERT)
    await stage.hear(caller={"expert"}, expert={"caller"})
    stage.calls["caller"].hang_up()
    await stage.switch.told(CallerLeft(contact_id=stage.contact_id))
    assert closed.stat().st_size == size, "what follows is in the file of the agent who stayed"
    left, right = read_stereo(closed)
    assert (heard(left), heard(right)) == ({"caller"}, {"agent", "expert"})
    left, right = read_stereo(recording(asterisk, stage, EXPERT))
    assert (heard(left), heard(right)) == ({"caller"}, {"expert"})


def recording(asterisk: RunningAsterisk, stage: Stage, agent: AgentId) -> Path:
    (path,) = asterisk.recordings.glob(f"{stage.contact_id}-{agent}-*.raw")
    return path
