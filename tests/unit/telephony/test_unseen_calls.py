"""What calls did while no server listened is booked once, as it was and when it was."""

import pytest

from switchroom.domain.contact import Outcome
from switchroom.domain.events import ContactConnected, ContactEnded, ContactEntered, Reconciled
from tests.fakes.fake_softswitch import delivery
from tests.fixtures.calls_house import ANN, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


async def test_given_talks_that_begin_and_end_unheard_then_they_are_booked_at_their_times(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    await settle()
    house.switch.go_down()
    house.switch.answer(contact_id)
    answered_at = house.clock.now()
    house.clock.advance(7)
    house.switch.caller_hangs_up(contact_id)
    ended_at = house.clock.now()
    house.clock.advance(5)
    house.switch.come_up()
    await settle()
    [connected], [ended] = house.of(ContactConnected), house.of(ContactEnded)
    assert (connected.at, connected.agent_id) == (answered_at, ANN)
    assert (ended.at, ended.outcome, ended.agent_id) == (ended_at, Outcome.CONNECTED, ANN)
    assert await house.switch.past_calls() == ()  # booked, and forgotten


async def test_given_a_dead_server_when_calls_come_talk_and_go_then_the_next_one_books_each_once(house: House) -> None:
    house.switch.register(ANN, "rings")
    talked, left = await house.queued(), await house.queued()
    await house.calls.connect(talked, delivery(ANN, 20))
    await settle()
    await house.calls.stop()
    house.switch.answer(talked)
    house.clock.advance(3)
    house.switch.agent_hangs_up(talked)
    house.switch.caller_hangs_up(left)
    unseen = house.switch.arrive("4008123123", "")
    house.switch.caller_hangs_up(unseen)
    house.restart()
    await house.calls.start()
    await settle()
    assert {event.contact_id: event.outcome for event in house.of(ContactEnded)} == {
        talked: Outcome.CONNECTED,
        left: Outcome.ABANDONED,
        unseen: Outcome.SYSTEM_FAILED,
    }
    assert [event.contact_id for event in house.of(ContactConnected)] == [talked]
    assert [event.contact_id for event in house.of(ContactEntered)] == [unseen]
    before = len(house.seen)
    house.switch.come_up()
    await settle()
    assert [type(event) for event in house.seen[before:]] == [Reconciled]
    await house.calls.stop()


async def test_given_a_ledger_that_is_away_then_what_ended_unseen_is_booked_when_it_is_back(house: House) -> None:
    contact_id = await house.queued()
    await house.calls.stop()
    house.switch.caller_hangs_up(contact_id)
    house.restart()
    house.bookings.away = True
    await house.calls.start()
    await settle()
    assert house.of(ContactEnded) == []
    assert [event.live for event in house.of(Reconciled)] == [frozenset({contact_id})]
    house.bookings.away = False
    house.switch.come_up()
    await settle()
    assert [event.contact_id for event in house.of(ContactEnded)] == [contact_id]
    await house.calls.stop()


async def test_given_a_caller_whom_the_menu_served_when_they_leave_a_dead_server_then_that_is_what_is_booked(
    house: House,
) -> None:
    leaves, stays = house.switch.arrive("4008123123", ""), house.switch.arrive("4008123123", "")
    await settle()
    for contact_id in (leaves, stays):
        house.calls.flow_started(contact_id, "shop-400", "v1")
        house.calls.resolved(contact_id)
    await settle()
    await house.calls.stop()
    house.switch.caller_hangs_up(leaves)
    house.restart()
    await house.calls.start()
    await settle()
    house.switch.caller_hangs_up(stays)
    await settle()
    assert {event.contact_id: event.outcome for event in house.of(ContactEnded)} == {
        leaves: Outcome.SELF_SERVICE,
        stays: Outcome.SELF_SERVICE,
    }
    await house.calls.stop()
