"""Which facts make something owed to another system, and which settle it: rows of the outbox."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain import events as ev
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import ContactId
from switchroom.storage.database import upsert
from switchroom.storage.tables import outbox

TICKET = "ticket"
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Due before anything else; the answer's own time may be of another machine's clock."""


class OutboxState(StrEnum):
    OWED = "owed"
    DONE = "done"
    FAILED = "failed"
    """Refused for good: a person must see to it."""


async def settle(connection: AsyncConnection, events: Sequence[ev.Event], records: Collection[ContactRecord]) -> bool:
    """Owe a ticket to each of ``records`` that an agent answered, and close what ``events`` settle.

    ``records`` are the contacts after ``events``. Returns whether something may be owed.
    """
    owed = [
        {
            "kind": TICKET,
            "key": record.contact_id,
            "payload": {"agent_id": record.agent_id},
            "state": OutboxState.OWED,
            "due_at": AT_ONCE,
            "tries": 0,
        }
        for record in records
        if record.answered_at is not None and record.agent_id is not None and record.ticket_id is None
    ]
    await upsert(connection, outbox, owed, update=False)
    done = [e.contact_id for e in events if isinstance(e, ev.TicketOpened | ev.TicketJoined)]
    await _close(connection, done, OutboxState.DONE)
    for event in events:
        if isinstance(event, ev.TicketFailed):
            await _close(connection, [event.contact_id], OutboxState.FAILED, event.reason)
    return bool(owed)


async def _close(
    connection: AsyncConnection, contact_ids: Sequence[ContactId], state: OutboxState, error: str | None = None
) -> None:
    if contact_ids:
        mine = (outbox.c.kind == TICKET) & outbox.c.key.in_(contact_ids)
        await connection.execute(update(outbox).where(mine).values(state=state, last_error=error))
