"""Makes the projected tables anew from the log: contacts, recordings, agents' presence.

Exact for the span that the log holds. A row that is older than the log's oldest event stays as it is: its events are
gone, it is all that is known. So will the sums of reports, which outlive the log: a report's table adds itself to
`_KEPT_SINCE` with the column that tells a row's age, and `projection.project` fills it.

Tickets, customers, accounts and the outbox are no projections; they are not touched.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Column, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.ids import ContactId
from switchroom.storage.database import Database, batched
from switchroom.storage.event_log import LoggedEvent, lock, logged, whole
from switchroom.storage.projection import Fact, project, project_contacts
from switchroom.storage.tables import agent_presence, contacts, events, recordings

_KEPT_SINCE: Sequence[tuple[Table, Column[datetime]]] = (
    (contacts, contacts.c.entered_at),
    (recordings, recordings.c.created_at),
    (agent_presence, agent_presence.c.since),
)
BATCH = 500


async def rebuild(database: Database, progress: Callable[[int], None] = lambda _: None) -> int:
    """Make the tables anew, in one transaction; returns how many events were read, ``progress`` hears it on the way.

    A running server's ledger waits meanwhile, with its events in memory. Raises `switchroom.wire.WireError` when an
    event cannot be read; then the tables are as they were.
    """
    async with database.write() as connection:
        head = await lock(connection)
        oldest = await connection.scalar(select(func.min(events.c.at)))
        if oldest is None:
            return 0
        for table, since in _KEPT_SINCE:
            await connection.execute(delete(table).where(since >= oldest))
        kept = set(await connection.scalars(select(contacts.c.contact_id)))
        seq = read = 0
        while seq < head:
            query = whole().where(events.c.seq > seq).order_by(events.c.seq).limit(BATCH)
            entries = [logged(row) for row in await connection.execute(query)]
            if not entries:
                break
            await project(connection, [_fact(entry) for entry in entries], but=kept)
            seq, read = entries[-1].seq, read + len(entries)
            progress(read)
        return read


async def reproject(connection: AsyncConnection, contact_ids: Sequence[ContactId]) -> None:
    """Make these contacts' rows anew, after their personal data were deleted. A row without events stays as it is."""
    for some in batched(contact_ids, 100):
        query = whole().where(events.c.contact_id.in_(some)).order_by(events.c.seq)
        entries = [logged(row) for row in await connection.execute(query)]
        known = {entry.contact_id for entry in entries}
        await connection.execute(delete(contacts).where(contacts.c.contact_id.in_(known)))
        await project_contacts(connection, [_fact(entry) for entry in entries])


def _fact(entry: LoggedEvent) -> Fact:
    return Fact(entry.server, entry.event())
