"""Caller, agent and expert together: whoever leaves, the talks of the others are booked as they were."""

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.events import (
    AgentJoined,
    ConsultEnded,
    ConsultEnding,
    ContactConnected,
    ContactEnded,
    RecordingClosed,
    TalkEnded,
)
from switchroom.domain.ids import ContactId, OfferId
from switchroom.domain.leg import LegState
from telephony.softswitch.port import AgentLeft, ConsultOver
from tests.fixtures.call_talks import conference, consulting, legs, talks, told
from tests.fixtures.calls_house import ANN, BOB, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_a_conference_when_the_expert_leaves_then_the_agent_talks_on(house: House) -> None:
    contact_id = await conference(house)
    assert house.state(contact_id) is CallState.CONFERENCE
    assert [leg[2] for leg in legs(house, contact_id)] == [LegState.UP] * 3
    house.switch.expert_hangs_up(contact_id)
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert told(house)[2:] == [ConsultEnded, AgentJoined, TalkEnded, TalkEnded, ContactEnded]
    assert talks(house) == [(BOB, 7), (ANN, 22)]


async def test_given_a_conference_when_the_agent_leaves_then_the_expert_has_the_caller(house: House) -> None:
    contact_id = await conference(house)
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert told(house)[4:] == [TalkEnded, ContactConnected]
    assert house.of(RecordingClosed) == []
    house.clock.advance(3)
    house.switch.agent_hangs_up(contact_id)
    await settle()
    assert talks(house) == [(ANN, 22), (BOB, 10)]
    assert [ended.agent_id for ended in house.of(ContactEnded)] == [BOB]
    assert [closed.file.startswith(f"{contact_id}-{ANN}-") for closed in house.of(RecordingClosed)] == [True]


async def test_given_a_conference_when_the_caller_leaves_then_both_talks_are_over(house: House) -> None:
    contact_id = await conference(house)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert sorted(talks(house)) == [(ANN, 22), (BOB, 7)]
    assert house.calls.live() == []


async def test_given_a_conference_that_was_not_heard_of_nor_who_left_it_then_the_next_snapshot_tells(
    house: House,
) -> None:
    contact_id = await consulting(house)
    house.seen.clear()
    house.switch.deaf = True
    await house.switch.conference(contact_id)
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert told(house) == [ConsultEnded, AgentJoined]
    house.switch.deaf = True
    house.switch.agent_hangs_up(contact_id)
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert told(house)[2:] == [TalkEnded, ContactConnected]
    assert [call.agent_id for call in house.calls.live()] == [BOB]


async def test_given_an_expert_who_leaves_before_the_caller_is_heard_to_join_then_the_agent_keeps_the_caller(
    house: House,
) -> None:
    contact_id = await consulting(house)
    asked = asked_for(house, contact_id)
    house.switch.tell(AgentLeft(contact_id=contact_id, offer_id=asked, agent_id=BOB))
    house.switch.expert_hangs_up(contact_id)
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    assert [call.agent_id for call in house.calls.live()] == [ANN]
    assert [ended.ending for ended in house.of(ConsultEnded)] == [ConsultEnding.CONSULTED_LEFT]
    assert talks(house) == []


async def test_given_a_conference_that_falls_apart_as_it_begins_then_the_agent_keeps_the_caller(house: House) -> None:
    contact_id = await conference(house)
    asked = asked_for(house, contact_id)
    house.switch.tell(ConsultOver(contact_id=contact_id, offer_id=asked, agent_id=BOB))
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    assert told(house)[2:] == [ConsultEnded, AgentJoined, TalkEnded]
    assert talks(house) == [(BOB, 7)]


def asked_for(house: House, contact_id: ContactId) -> OfferId:
    second = house.switch.lines[contact_id].live.second
    assert second is not None
    return second.offer_id
