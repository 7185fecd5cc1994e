"""What the softswitch's snapshot makes of a gap: after a restart, a lost connection, a crash."""

from datetime import timedelta

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome, Waiting
from switchroom.domain.events import (
    ContactAdopted,
    ContactConnected,
    ContactEnded,
    ContactQueued,
    OfferFailed,
    OfferFailure,
    PhoneChanged,
    Reconciled,
    SwitchLost,
)
from switchroom.domain.ids import AgentId
from telephony.softswitch.port import SwitchError
from tests.fakes.fake_softswitch import delivery
from tests.fixtures.calls_house import ANN, RETURNS, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_a_restarted_server_then_waiting_ringing_and_talking_calls_are_taken_up(house: House) -> None:
    bob, joe = AgentId("1002"), AgentId("1003")
    house.switch.register(ANN, "answers")
    house.switch.register(bob, "rings")
    talking, ringing, waiting = [await house.queued() for _ in range(3)]
    await house.calls.connect(talking, delivery(ANN, 20))
    await house.calls.connect(ringing, delivery(bob, 20))
    await settle()
    place = house.of(ContactQueued)[2].enqueued_at
    house.clock.advance(42)
    await house.calls.stop()
    house.restart()
    await house.calls.start()
    await settle()

    assert {event.contact_id: (event.state, event.agent_id) for event in house.of(ContactAdopted)} == {
        talking: (CallState.CONNECTED, ANN),
        ringing: (CallState.OFFERED, bob),
        waiting: (CallState.QUEUED, None),
    }
    assert [event.contact_id for event in house.of(ContactConnected)] == [talking]
    assert [(event.contact_id, event.enqueued_at) for event in house.of(ContactQueued)] == [(waiting, place)]
    assert house.of(Reconciled)[-1].live == {talking, ringing, waiting}
    assert {event.extension for event in house.of(PhoneChanged)} >= {ANN, bob}

    house.switch.fail(ringing, OfferFailure.NO_ANSWER)
    await settle()
    assert house.state(ringing) is CallState.QUEUED
    assert joe not in {event.extension for event in house.of(PhoneChanged)}
    await house.calls.stop()


async def test_given_a_lost_connection_then_what_happened_meanwhile_is_caught_up_with(house: House) -> None:
    house.switch.register(ANN, "rings")
    gone, ringing, fallen = [await house.queued() for _ in range(2)] + [house.switch.arrive("4008123123", "")]
    await house.calls.connect(ringing, delivery(ANN, 20))
    await settle()
    house.switch.go_down()
    house.switch.caller_hangs_up(gone)
    house.switch.answer(ringing)
    place = Waiting(RETURNS, house.clock.now() + timedelta(seconds=5))
    house.switch.fall_back(fallen, place)
    assert len(house.of(SwitchLost)) == 1
    house.switch.come_up()
    await settle()
    assert [(event.contact_id, event.outcome) for event in house.of(ContactEnded)] == [(gone, Outcome.ABANDONED)]
    assert house.state(ringing) is CallState.CONNECTED
    assert house.state(fallen) is CallState.QUEUED
    assert house.of(ContactQueued)[-1].enqueued_at == place.enqueued_at


async def test_given_a_softswitch_that_crashed_then_its_callers_did_not_abandon_but_who_talked_was_served(
    house: House,
) -> None:
    house.switch.register(ANN, "answers")
    talking, waiting = await house.queued(), await house.queued()
    served = house.switch.arrive("4008123123", "")
    await settle()
    house.calls.resolved(served)
    await house.calls.connect(talking, delivery(ANN, 20))
    house.clock.advance(60)
    house.switch.crash()
    house.clock.advance(1)
    house.switch.come_up()
    await settle()
    assert {event.contact_id: event.outcome for event in house.of(ContactEnded)} == {
        talking: Outcome.CONNECTED,
        waiting: Outcome.SYSTEM_FAILED,
        served: Outcome.SELF_SERVICE,
    }


async def test_given_a_snapshot_that_fails_then_nothing_is_ended_by_mistake(house: House) -> None:
    contact_id = await house.queued()
    house.switch.refuse["snapshot"] = SwitchError("no answer")
    house.switch.come_up()
    await settle()
    assert house.of(ContactEnded) == []
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_a_caller_who_hangs_up_while_the_snapshot_is_on_its_way_then_no_ghost_is_taken_up(
    house: House,
) -> None:
    known, unknown = await house.queued(), await house.queued()
    await house.calls.stop()
    house.restart()
    async with house.snapshot_on_its_way():
        house.switch.caller_hangs_up(unknown)
    assert [call.contact_id for call in house.calls.live()] == [known]
    await house.calls.stop()


async def test_given_an_agent_who_is_rung_while_the_snapshot_is_on_its_way_then_the_offer_stands(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    async with house.snapshot_on_its_way():
        await house.calls.connect(contact_id, delivery(ANN, 20))
    assert house.of(OfferFailed) == []
    assert house.state(contact_id) is CallState.OFFERED


async def test_given_an_offer_whose_failure_was_not_told_then_the_next_snapshot_ends_it(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    house.switch.connected = False
    house.switch.fail(contact_id, OfferFailure.NO_ANSWER)
    house.switch.come_up()
    await settle()
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.SWITCH_FAILED]
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_a_phone_that_is_told_again_then_only_its_changes_are_said(house: House) -> None:
    house.switch.register(ANN)
    house.switch.come_up()
    await settle()
    house.switch.come_up()
    await settle()
    house.switch.unregister(ANN)
    assert [event.registered for event in house.of(PhoneChanged) if event.extension == ANN] == [True, False]
