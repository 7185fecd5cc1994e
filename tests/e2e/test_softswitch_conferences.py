"""What every softswitch keeps of a conference, whoever leaves it."""

from telephony.softswitch.port import LivePhase
from tests.e2e.switch import Switch
from tests.e2e.talks import ASKED, conference, live, phone, talks_of
from tests.e2e.worlds import AGENT, EXPERT, World, closed, of_call
from tests.fakes.fake_softswitch import OFFER


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
