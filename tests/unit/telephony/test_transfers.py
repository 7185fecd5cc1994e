"""A caller who is transferred waits again with what is known, and the talk is told once, also over a gap."""

from datetime import timedelta

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome, Requirements, Waiting
from switchroom.domain.errors import Refused
from switchroom.domain.events import (
    ContactAdopted,
    ContactConnected,
    ContactEnded,
    ContactQueued,
    ContactTransferred,
    TalkEnded,
)
from switchroom.domain.ids import AgentId, ContactId, OfferId
from telephony.softswitch.port import SwitchError
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.fixtures.calls_house import ANN, COMPLAINTS, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def talking(house: House) -> ContactId:
    house.switch.register(ANN, "answers")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    await settle()
    return contact_id


async def test_given_a_talk_when_it_is_transferred_then_the_caller_waits_again_with_what_is_known(house: House) -> None:
    contact_id = await talking(house)
    house.clock.advance(30)
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    [over] = house.of(TalkEnded)
    assert (over.agent_id, over.offer_id, over.at - over.began_at) == (ANN, OFFER, timedelta(seconds=30))
    [transferred] = house.of(ContactTransferred)
    assert (transferred.agent_id, transferred.queue) == (ANN, COMPLAINTS)
    first, second = house.of(ContactQueued)
    assert (second.requirements.queue, second.requirements.tier) == (COMPLAINTS, first.requirements.tier)
    assert second.enqueued_at == house.clock.now()
    kinds = [type(event) for event in house.seen]
    assert kinds[-3:] == [TalkEnded, ContactTransferred, ContactQueued]

    await house.calls.connect(contact_id, delivery(ANN, 20, OfferId("o2")))
    await settle()
    house.switch.agent_hangs_up(contact_id)
    await settle()
    [ended] = house.of(ContactEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.CONNECTED, ANN)
    assert [event.offer_id for event in house.of(TalkEnded)] == [OFFER, "o2"]


async def test_given_a_transfer_that_is_refused_then_they_talk_on(house: House) -> None:
    contact_id = await talking(house)
    house.switch.refuse["transfer"] = SwitchError("no answer")
    with pytest.raises(Refused):
        await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.refuse.clear()
    with pytest.raises(Refused):
        await house.calls.talks.transfer(contact_id, AgentId("1002"), COMPLAINTS)
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_a_transfer_that_is_done_but_not_answered_in_time_then_it_is_booked_as_one(house: House) -> None:
    contact_id = await talking(house)
    house.switch.unanswered = {"transfer"}
    with pytest.raises(Refused):
        await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert [event.queue for event in house.of(ContactTransferred)] == [COMPLAINTS]
    assert house.of(ContactQueued)[-1].requirements.queue == COMPLAINTS


async def test_given_a_transfer_whose_effect_was_not_heard_when_reconciled_then_it_is_caught_up_with(
    house: House,
) -> None:
    contact_id = await talking(house)
    house.switch.deaf = True
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    assert [event.queue for event in house.of(ContactTransferred)] == [COMPLAINTS]
    assert len(house.of(TalkEnded)) == 1


async def test_given_a_transfer_and_a_restarted_server_then_the_caller_waits_and_the_talk_is_told_once(
    house: House,
) -> None:
    contact_id = await talking(house)
    house.switch.deaf = True
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await house.calls.stop()
    house.switch.deaf = False
    house.restart()
    await house.calls.start()
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    assert house.of(ContactQueued)[-1].requirements.queue == COMPLAINTS
    assert [event.agent_id for event in house.of(TalkEnded)] == [ANN]
    await house.calls.stop()


async def test_given_a_caller_who_gave_up_after_a_transfer_while_no_server_was_there_then_it_is_booked_so(
    house: House,
) -> None:
    contact_id = await talking(house)
    await house.calls.stop()
    house.restart()
    house.clock.advance(5)
    place = Waiting(Requirements(COMPLAINTS), house.clock.now())
    house.switch.connected = True
    await house.switch.transfer(contact_id, place)
    house.clock.advance(5)
    house.switch.caller_hangs_up(contact_id)
    await house.calls.start()
    await settle()
    [ended] = house.of(ContactEnded)
    assert ended.outcome is Outcome.ABANDONED
    assert [event.requirements.queue for event in house.of(ContactQueued)] == [COMPLAINTS]
    assert len(house.of(ContactConnected)) == len(house.of(TalkEnded)) == 1
    await house.calls.stop()


async def test_given_a_talk_that_was_booked_before_the_server_died_then_it_is_not_told_again(house: House) -> None:
    contact_id = await talking(house)
    house.clock.advance(5)
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert len(house.of(TalkEnded)) == 1
    await house.calls.stop()
    house.restart()
    house.clock.advance(5)
    house.switch.caller_hangs_up(contact_id)
    await house.calls.start()
    await settle()
    [ended] = house.of(ContactEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.ABANDONED, None)
    assert house.of(ContactAdopted) == house.of(ContactConnected) == house.of(TalkEnded) == []
    await house.calls.stop()
