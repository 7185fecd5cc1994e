"""Tickets: one for each contact, further contacts that join it, and closed is closed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from switchroom.domain.ids import AgentId, ContactId, TicketId
from switchroom.domain.ticket import IllegalTicketMove, TicketState
from switchroom.storage.database import Database
from switchroom.storage.tickets import Tickets

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
CALL, AGENT = ContactId("c1"), AgentId("1001")


async def test_given_many_who_open_a_ticket_for_one_call_then_one_ticket(database: Database) -> None:
    repository = Tickets(database)

    async def open_it() -> TicketId:
        ticket = await repository.open(contact_id=CALL, subject="退货", at=NOON, agent_id=AGENT, customer_id=None)
        return ticket.id

    ids = set(await asyncio.gather(*(open_it() for _ in range(8))))
    assert len(ids) == 1
    assert len(await repository.latest()) == 1


async def test_given_a_ticket_when_closed_then_it_stays_closed(database: Database) -> None:
    repository = Tickets(database)
    ticket = await repository.open(contact_id=CALL, subject="退货", at=NOON, agent_id=AGENT, customer_id=None)
    assert (ticket.state, ticket.created_at) == (TicketState.OPEN, NOON)
    await repository.move(ticket.id, TicketState.PENDING, NOON, note="等物流")
    later = NOON + timedelta(minutes=5)
    closed = await repository.move(ticket.id, TicketState.CLOSED, later, disposition="refund")
    assert (closed.state, closed.disposition, closed.note, closed.closed_at) == (
        TicketState.CLOSED,
        "refund",
        "等物流",
        later,
    )
    with pytest.raises(IllegalTicketMove):
        await repository.move(ticket.id, TicketState.OPEN, later)
    assert await repository.get(ticket.id) == closed
    with pytest.raises(LookupError):
        await repository.move(TicketId("999"), TicketState.CLOSED, later)


async def test_given_an_open_ticket_when_a_further_contact_joins_it_then_both_are_its_contacts(
    database: Database,
) -> None:
    repository, again, other = Tickets(database), ContactId("c2"), ContactId("c3")
    ticket = await repository.open(contact_id=CALL, subject="退货", at=NOON, agent_id=AGENT, customer_id=None)
    assert await repository.join(again, ticket.id) == ticket
    assert await repository.join(again, ticket.id) == ticket
    assert list(await repository.contacts_of(ticket.id)) == [CALL, again]
    assert await repository.of_contact(again) == ticket
    # A contact that belongs to a ticket opens none of its own.
    assert await repository.open(contact_id=again, subject="", at=NOON, agent_id=AGENT, customer_id=None) == ticket
    assert len(await repository.latest()) == 1

    await repository.move(ticket.id, TicketState.CLOSED, NOON, disposition="refund")
    with pytest.raises(IllegalTicketMove):
        await repository.join(other, ticket.id)
    with pytest.raises(LookupError):
        await repository.join(other, TicketId("T-999"))
    assert await repository.of_contact(other) is None
