"""A caller whom an agent has, at any softswitch: brought into each state, with what is told of it."""

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
)
from tests.e2e.switch import Switch
from tests.e2e.worlds import AGENT, EXPERT, World, queued, written_down
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.fakes.fake_talks import Behaviour

ASKED = OfferId("c1")


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
