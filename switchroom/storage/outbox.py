"""What is owed to other systems: written with what it follows from, done by whichever server takes it.

A contact that an agent answered is owed a ticket. The row comes in the transaction that writes the answer, and is
closed in the one that writes `TicketOpened` or `TicketFailed`: neither is lost by a crash in between.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from switchroom.domain.ids import AgentId, ContactId
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger
from switchroom.storage.owing import TICKET, OutboxState
from switchroom.storage.tables import outbox

MOST_TAKEN = 100
"""Rows that one server takes at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedTicket:
    """A contact's ticket that this server has taken on; ``agent_id`` is who answered."""

    contact_id: ContactId
    agent_id: AgentId
    tries: int


class Outbox:
    """Takes what is due. A row taken is nobody else's until its time runs out, or its server starts again."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger, self._server = database, ledger, ledger.server
        self._wanted = asyncio.Event()
        ledger.on_owed(self._wanted.set)

    async def wait(self, timeout_s: float) -> bool:
        """Whether something new was owed within ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._wanted.wait()
        except TimeoutError:
            return False
        finally:
            self._wanted.clear()

    async def settled(self) -> None:
        """Return when what was told until now is written down, with what is owed by it."""
        await self._ledger.flush()

    async def release(self, now: datetime) -> None:
        """What this server took before it was restarted is due again."""
        mine = (outbox.c.state == OutboxState.OWED) & (outbox.c.taken_by == self._server)
        async with self._database.write() as connection:
            await connection.execute(update(outbox).where(mine).values(due_at=now, taken_by=None))

    async def take(self, now: datetime, lease: timedelta) -> Sequence[OwedTicket]:
        """The tickets that are due, `MOST_TAKEN` at most, taken until ``now + lease``."""
        due = (
            select(outbox.c.id)
            .where(outbox.c.kind == TICKET, outbox.c.state == OutboxState.OWED, outbox.c.due_at <= now)
            .order_by(outbox.c.due_at, outbox.c.id)
            .limit(MOST_TAKEN)
            .with_for_update(skip_locked=True)
        )
        taken = (
            update(outbox)
            .where(outbox.c.id.in_(due))
            .values(due_at=now + lease, taken_by=self._server, tries=outbox.c.tries + 1)
            .returning(outbox.c.key, outbox.c.payload, outbox.c.tries)
        )
        async with self._database.write() as connection:
            return [
                OwedTicket(contact_id=ContactId(row.key), agent_id=AgentId(row.payload["agent_id"]), tries=row.tries)
                for row in await connection.execute(taken)
            ]

    async def keep(self, contact_id: ContactId, until: datetime, error: str) -> None:
        """This server is still at it; ``error`` is why it is not done."""
        values = {"due_at": until, "tries": outbox.c.tries + 1, "last_error": error}
        async with self._database.write() as connection:
            mine = (outbox.c.kind == TICKET) & (outbox.c.key == contact_id) & (outbox.c.state == OutboxState.OWED)
            await connection.execute(update(outbox).where(mine).values(values))

    async def counts(self) -> Mapping[OutboxState, int]:
        """How many are owed, and how many were refused for good."""
        query = select(outbox.c.state, func.count()).where(outbox.c.state != OutboxState.DONE).group_by(outbox.c.state)
        async with self._database.read() as connection:
            found = {OutboxState(state): count for state, count in await connection.execute(query)}
        return {state: found.get(state, 0) for state in (OutboxState.OWED, OutboxState.FAILED)}

    async def forget_done(self, before: datetime) -> None:
        """Delete what was done and due before that time."""
        old = (outbox.c.state == OutboxState.DONE) & (outbox.c.due_at < before)
        async with self._database.write() as connection:
            await connection.execute(delete(outbox).where(old))


async def refused(database: Database) -> int:
    """How many tickets were refused for good."""
    query = select(func.count()).select_from(outbox).where(outbox.c.state == OutboxState.FAILED)
    async with database.read() as connection:
        return await connection.scalar(query) or 0
