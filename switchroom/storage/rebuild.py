"""Makes the projected tables anew from the log: contacts, recordings, agents' presence, the days' visits.

Exact for the span that the log holds whole, which begins at `log_head.since` once retention has cut it. A row that is
older stays as it is: its events are gone, it is all that is known. The days' visits are made anew from the first day
that is whole; the sums of earlier days outlive the log.

Tickets, customers, accounts, holds and the outbox are no projections; they are not touched.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo

from sqlalchemy import Column, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.ids import ContactId
from switchroom.storage.database import Database, batched
from switchroom.storage.event_log import LoggedEvent, lock, logged, whole
from switchroom.storage.projection import Fact, project, project_contacts
from switchroom.storage.tables import agent_presence, contacts, events, log_head, recordings, visit_days
from switchroom.storage.visit_days import VisitCounts, first_whole_day

_KEPT_SINCE: Sequence[tuple[Table, Column[datetime]]] = (
    (contacts, contacts.c.entered_at),
    (recordings, recordings.c.created_at),
    (agent_presence, agent_presence.c.since),
)
BATCH = 500


async def rebuild(database: Database, zone: tzinfo = UTC, progress: Callable[[int], None] = lambda _: None) -> int:
    """Make the tables anew, in one transaction; returns how many events were read, ``progress`` hears it on the way.

    ``zone`` is that of the business's days. A running server's ledger waits meanwhile, with its events in memory.
    Raises `switchroom.wire.WireError` when an event cannot be read; then the tables are as they were.
    """
    async with database.write() as connection:
        head = await lock(connection)
        if await connection.scalar(select(func.count()).select_from(select(events.c.seq).limit(1).subquery())) == 0:
            return 0
        since = await whole_since(connection)
        visits = await _forget(connection, since, zone)
        kept = set(await connection.scalars(select(contacts.c.contact_id)))
        seq = read = 0
        while seq < head:
            query = whole().where(events.c.seq > seq).order_by(events.c.seq).limit(BATCH)
            entries = [logged(row) for row in await connection.execute(query)]
            if not entries:
                break
            facts = [_fact(entry) for entry in entries]
            await project(connection, facts, visits, but=kept)
            seq, read = entries[-1].seq, read + len(entries)
            progress(read)
        return read


async def whole_since(connection: AsyncConnection) -> datetime | None:
    """Since when the log holds everything; None when nothing was ever cut off."""
    return await connection.scalar(select(log_head.c.since))


async def reproject(connection: AsyncConnection, contact_ids: Sequence[ContactId]) -> None:
    """Make these contacts' rows anew, after personal data of theirs were deleted.

    A row stays as it is when not all of its events are in the log.
    """
    since = await whole_since(connection)
    for some in batched(contact_ids, 100):
        theirs = contacts.c.contact_id.in_(some)
        inside = theirs if since is None else theirs & (contacts.c.entered_at >= since)
        known = set(await connection.scalars(select(contacts.c.contact_id).where(inside)))
        query = whole().where(events.c.contact_id.in_(known)).order_by(events.c.seq)
        entries = [logged(row) for row in await connection.execute(query)]
        told = {entry.contact_id for entry in entries}
        await connection.execute(delete(contacts).where(contacts.c.contact_id.in_(told)))
        await project_contacts(connection, [_fact(entry) for entry in entries])


async def _forget(connection: AsyncConnection, since: datetime | None, zone: tzinfo) -> VisitCounts:
    """Delete what the log can make anew; returns what counts the visits of its days."""
    if since is None:
        for table in (contacts, recordings, agent_presence, visit_days):
            await connection.execute(delete(table))
        return VisitCounts(zone)
    for table, age in _KEPT_SINCE:
        await connection.execute(delete(table).where(age >= since))
    first = first_whole_day(since, zone)
    await connection.execute(delete(visit_days).where(visit_days.c.day >= first))
    return VisitCounts(zone, first)


def _fact(entry: LoggedEvent) -> Fact:
    return Fact(entry.server, entry.event())
