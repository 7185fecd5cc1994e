"""One ticket for each connected call, whatever fails in between."""

from collections import Counter
from datetime import timedelta

import pytest

from cti_bridge.tickets.service import LEASE, DispositionMissing
from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.ids import ContactId, TicketId
from switchroom.domain.ticket import IllegalTicketMove, TicketState
from switchroom.storage.contacts import Contacts
from switchroom.storage.event_log import EventLog, Position
from switchroom.storage.outbox import Outbox, refused
from switchroom.storage.owing import OutboxState
from switchroom.wire import type_name
from tests.fixtures.bridge_house import AGENT, CALL, House
from tests.support.brands import SHOP


@pytest.mark.parametrize("after_commit", [False, True])
async def test_given_a_ticketing_system_that_fails_then_there_is_one_ticket_in_the_end(
    open_house: House, after_commit: bool
) -> None:
    house = open_house
    house.ticketing.failures, house.ticketing.after_commit = 2, after_commit
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    house.queue()
    house.connect()
    house.connect()
    opened = await house.wait_for(ev.TicketOpened)
    assert (opened.contact_id, opened.agent_id) == (CALL, AGENT)
    house.connect()
    mine = await house.ticketing.latest(agents={AGENT}, states=[TicketState.OPEN])
    assert [(ticket.id, ticket.subject) for ticket in mine] == [(opened.ticket_id, "returns · 20260105")]
    assert len(house.all_seen(ev.TicketOpened)) == 1


async def test_given_a_crash_between_answer_and_ticket_then_the_next_life_opens_it(house: House) -> None:
    house.ticketing.failures = 1000
    await house.open()
    house.enter()
    house.connect()
    house.end()
    await house.ledger.flush()
    await house.close()
    house.seen.clear()

    house.ticketing.failures = 0
    await house.open()
    opened = await house.wait_for(ev.TicketOpened)
    await house.ledger.flush()
    record = await Contacts(house.database).get(CALL)
    assert record is not None and record.ticket_id == opened.ticket_id
    await house.close()
    house.seen.clear()

    await house.open()  # a third life owes nothing
    await house.ledger.flush()
    assert not house.all_seen(ev.TicketOpened)
    await house.close()


async def test_given_a_ticketing_system_that_refuses_then_it_is_asked_once_and_the_contacts_story_says_why(
    open_house: House,
) -> None:
    house = open_house
    house.ticketing.refuses = "the account is closed"
    house.enter()
    house.connect()
    failed = await house.wait_for(ev.TicketFailed)
    assert (failed.contact_id, failed.agent_id, failed.reason) == (CALL, AGENT, "the account is closed")
    await house.ledger.flush()
    told = await EventLog(house.database).of_contact(CALL)
    assert "switchroom.ticket.failed" in [entry.type for entry in told]
    assert await refused(house.database) == 1
    assert not house.all_seen(ev.TicketOpened)

    house.connect()  # the next word about the contact owes nothing anew
    await house.ledger.flush()
    outbox = Outbox(house.database, house.ledger)
    assert await outbox.take(house.clock.now() + timedelta(days=1), LEASE) == []
    assert await outbox.counts() == {OutboxState.OWED: 0, OutboxState.FAILED: 1}


async def test_given_a_server_that_stops_with_hundreds_of_tickets_owed_then_every_event_and_every_ticket_is_kept(
    house: House,
) -> None:
    calls = {ContactId(f"call-{number}") for number in range(300)}
    await house.open()
    before = house.ledger.written
    for call in calls:
        house.enter(contact_id=call)
        house.connect(call)
    await house.wait_for(ev.TicketOpened, 5)
    await house.close()
    assert house.ledger.backlog == 0
    kept = Counter(entry.type for entry in await EventLog(house.database).after(Position(before), limit=10_000))
    assert kept == Counter(type_name(event) for event in house.seen)

    await house.open()
    await house.wait_for(ev.TicketOpened, len(calls))
    assert sorted(event.contact_id for event in house.all_seen(ev.TicketOpened)) == sorted(calls)
    await house.close()


async def test_given_a_call_adopted_in_the_middle_of_its_talk_then_it_is_owed_a_ticket_too(open_house: House) -> None:
    house = open_house
    now = house.clock.now()
    house.bus.publish(
        ev.ContactAdopted(
            at=now,
            contact_id=CALL,
            number="4008123123",
            caller="",
            brand=SHOP.name,
            entered_at=now,
            state=CallState.CONNECTED,
            agent_id=AGENT,
        )
    )
    assert (await house.wait_for(ev.TicketOpened)).contact_id == CALL


async def test_given_an_open_ticket_when_closed_then_once_with_its_disposition(open_house: House) -> None:
    house = open_house
    house.enter()
    house.connect()
    opened = await house.wait_for(ev.TicketOpened)
    ticket = await house.ticketing.get(opened.ticket_id)
    assert ticket is not None
    with pytest.raises(DispositionMissing):
        await house.bridge.tickets.move(ticket, TicketState.CLOSED)
    closed = await house.bridge.tickets.move(ticket, TicketState.CLOSED, disposition="refund", note="已退款")
    assert (closed.state, closed.note) == (TicketState.CLOSED, "已退款")
    assert await house.bridge.tickets.move(closed, TicketState.CLOSED, disposition="refund") == closed
    with pytest.raises(IllegalTicketMove):
        await house.bridge.tickets.move(closed, TicketState.CLOSED, disposition="other")
    assert [event.ticket_id for event in house.all_seen(ev.TicketClosed)] == [TicketId(ticket.id)]
    await house.ledger.flush()
    record = await Contacts(house.database).get(CALL)
    assert record is not None and record.disposition == "refund"


async def test_given_a_server_killed_between_a_closed_ticket_and_its_event_when_closed_again_then_it_is_told(
    open_house: House,
) -> None:
    house = open_house
    house.enter()
    house.connect()
    opened = await house.wait_for(ev.TicketOpened)
    closed = await house.ticketing.move(opened.ticket_id, TicketState.CLOSED, house.clock.now(), disposition="refund")
    for _ in range(2):
        assert await house.bridge.tickets.move(closed, TicketState.CLOSED, disposition="refund") == closed
        await house.ledger.flush()
        record = await Contacts(house.database).get(CALL)
        assert record is not None and record.disposition == "refund"
    assert len(house.all_seen(ev.TicketClosed)) == 1, "once is enough"
