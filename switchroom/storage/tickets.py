"""Tickets of the built-in ticketing: opened once a contact, joined by others, moved by their table, then closed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.ids import AgentId, ContactId, CustomerId, TicketId
from switchroom.domain.ticket import Ticket, TicketState, check_move
from switchroom.storage.database import Database, key_of, upsert
from switchroom.storage.tables import contact_agents, ticket_contacts, tickets


class Tickets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self,
        *,
        contact_id: ContactId,
        subject: str,
        at: datetime,
        agent_id: AgentId | None,
        customer_id: CustomerId | None,
        note: str = "",
    ) -> Ticket:
        """The contact's ticket, opened now unless it has one: its unique link decides."""
        values = {"contact_id": contact_id, "subject": subject, "agent_id": agent_id, "customer_id": customer_id}
        try:
            async with self._database.write() as connection:
                statement = insert(tickets).values(**values, state=TicketState.OPEN, note=note, created_at=at)
                key = (await connection.scalars(statement.returning(tickets.c.id))).one()
                await connection.execute(insert(ticket_contacts).values(contact_id=contact_id, ticket_id=key))
        except IntegrityError:
            if await self.of_contact(contact_id) is None:
                raise
        ticket = await self.of_contact(contact_id)
        assert ticket is not None
        return ticket

    async def join(self, contact_id: ContactId, ticket_id: TicketId) -> Ticket:
        """Make the contact one of the ticket's, whichever it belonged to before.

        Raises LookupError when there is no such ticket, `IllegalTicketMove` when it is closed and not the contact's.
        """
        async with self._database.write() as connection:
            row = await _locked(connection, ticket_id)
            linked = select(ticket_contacts.c.ticket_id).where(ticket_contacts.c.contact_id == contact_id)
            if await connection.scalar(linked) == row.id:
                return _ticket(row)
            check_move(TicketState(row.state), TicketState.OPEN)
            await upsert(connection, ticket_contacts, [{"contact_id": contact_id, "ticket_id": row.id}])
            return _ticket(row)

    async def contacts_of(self, ticket_id: TicketId) -> Sequence[ContactId]:
        """The ticket's contacts, in the order of their ids."""
        links = ticket_contacts.c
        query = select(links.contact_id).where(links.ticket_id == key_of(ticket_id)).order_by(links.contact_id)
        async with self._database.read() as connection:
            return [ContactId(found) for found in await connection.scalars(query)]

    async def get(self, ticket_id: TicketId) -> Ticket | None:
        found = await self._select(tickets.c.id == key_of(ticket_id), limit=1)
        return found[0] if found else None

    async def of_contact(self, contact_id: ContactId) -> Ticket | None:
        linked = select(ticket_contacts.c.ticket_id).where(ticket_contacts.c.contact_id == contact_id)
        found = await self._select(tickets.c.id == linked.scalar_subquery(), limit=1)
        return found[0] if found else None

    async def latest(
        self,
        *,
        agents: Collection[AgentId] | None = None,
        customer_id: CustomerId | None = None,
        states: Collection[TicketState] = (),
        limit: int = 50,
    ) -> Sequence[Ticket]:
        """The newest first, of these agents (None: of all): opened for them, or for a contact that they have or had."""
        wanted: list[ColumnElement[bool]] = []
        if agents is not None:
            served = select(ticket_contacts.c.ticket_id).join(
                contact_agents, contact_agents.c.contact_id == ticket_contacts.c.contact_id
            )
            theirs = served.where(contact_agents.c.agent_id.in_(agents))
            wanted.append(or_(tickets.c.agent_id.in_(agents), tickets.c.id.in_(theirs)))
        if customer_id is not None:
            wanted.append(tickets.c.customer_id == customer_id)
        if states:
            wanted.append(tickets.c.state.in_(states))
        return await self._select(*wanted, limit=limit)

    async def move(
        self,
        ticket_id: TicketId,
        to: TicketState,
        at: datetime,
        *,
        disposition: str | None = None,
        note: str | None = None,
    ) -> Ticket:
        """Move the ticket and keep what was written; raises `IllegalTicketMove`, or LookupError if there is none."""
        async with self._database.write() as connection:
            row = await _locked(connection, ticket_id)
            check_move(TicketState(row.state), to)
            changes: dict[str, Any] = {"state": to, "closed_at": at if to is TicketState.CLOSED else None}
            if disposition is not None:
                changes["disposition"] = disposition
            if note is not None:
                changes["note"] = note
            statement = update(tickets).where(tickets.c.id == row.id).values(**changes).returning(*tickets.c)
            return _ticket((await connection.execute(statement)).one())

    async def _select(self, *wanted: ColumnElement[bool], limit: int) -> Sequence[Ticket]:
        query = select(tickets).where(*wanted).order_by(tickets.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_ticket(row) for row in await connection.execute(query)]


async def _locked(connection: AsyncConnection, ticket_id: TicketId) -> Row[Any]:
    query = select(tickets).where(tickets.c.id == key_of(ticket_id)).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        raise LookupError(f"no ticket {ticket_id}")
    return row


def _ticket(row: Row[Any]) -> Ticket:
    values = dict(row._mapping)
    return Ticket(**{**values, "id": TicketId(str(values["id"])), "state": TicketState(values["state"])})
