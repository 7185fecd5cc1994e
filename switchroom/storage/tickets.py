"""Tickets of the built-in ticketing: opened once a call, moved by their table, closed with a disposition."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.ids import AgentId, ContactId, CustomerId, TicketId
from switchroom.domain.ticket import Ticket, TicketState, check_move
from switchroom.storage.database import Database
from switchroom.storage.tables import tickets


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
        """The contact's ticket, opened now unless it has one: the unique ``contact_id`` decides."""
        values = {"contact_id": contact_id, "subject": subject, "agent_id": agent_id, "customer_id": customer_id}
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(tickets).values(**values, state=TicketState.OPEN, note=note, created_at=at)
                )
        except IntegrityError:
            if await self.of_call(contact_id) is None:
                raise
        ticket = await self.of_call(contact_id)
        assert ticket is not None
        return ticket

    async def get(self, ticket_id: TicketId) -> Ticket | None:
        found = await self._select(tickets.c.id == ticket_id, limit=1)
        return found[0] if found else None

    async def of_call(self, contact_id: ContactId) -> Ticket | None:
        found = await self._select(tickets.c.contact_id == contact_id, limit=1)
        return found[0] if found else None

    async def latest(
        self,
        *,
        agents: Collection[AgentId] | None = None,
        customer_id: CustomerId | None = None,
        states: Collection[TicketState] = (),
        limit: int = 50,
    ) -> Sequence[Ticket]:
        """The newest first, of these agents (None: of all)."""
        wanted: list[ColumnElement[bool]] = []
        if agents is not None:
            wanted.append(tickets.c.agent_id.in_(agents))
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
            row = (await connection.execute(select(tickets).where(tickets.c.id == ticket_id).with_for_update())).first()
            if row is None:
                raise LookupError(f"no ticket {ticket_id}")
            check_move(TicketState(row.state), to)
            changes: dict[str, Any] = {"state": to, "closed_at": at if to is TicketState.CLOSED else None}
            if disposition is not None:
                changes["disposition"] = disposition
            if note is not None:
                changes["note"] = note
            await connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(**changes))
            return await _required(connection, ticket_id)

    async def _select(self, *wanted: ColumnElement[bool], limit: int) -> Sequence[Ticket]:
        query = select(tickets).where(*wanted).order_by(tickets.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_ticket(row) for row in await connection.execute(query)]


async def _required(connection: AsyncConnection, ticket_id: TicketId) -> Ticket:
    return _ticket((await connection.execute(select(tickets).where(tickets.c.id == ticket_id))).one())


def _ticket(row: Row[Any]) -> Ticket:
    values = dict(row._mapping)
    return Ticket(**{**values, "state": TicketState(values["state"])})
