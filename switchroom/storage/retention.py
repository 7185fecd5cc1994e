"""Deletes what has been kept as long as its kind is to be kept; what is under a legal hold stays.

Each kind is gone through in small batches, each a transaction of its own that takes its turn among the ledgers: none of
them waits for longer than a batch. What a run did not come to, the next one does: nothing remembers how far it came.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Column, ColumnElement, Row, String, cast, delete, exists, or_, select, true, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.events import Personal
from switchroom.domain.hold import Hold, HoldSubject
from switchroom.domain.ids import ContactId
from switchroom.domain.ticket import TicketState
from switchroom.runtime.settings import Retention as Days
from switchroom.storage.database import Database
from switchroom.storage.erasure import Elsewhere
from switchroom.storage.event_log import lock
from switchroom.storage.holds import held_contacts, in_force
from switchroom.storage.owing import TICKET
from switchroom.storage.partitions import drop_month, months_before
from switchroom.storage.rebuild import reproject
from switchroom.storage.tables import (
    contacts,
    events,
    log_head,
    outbox,
    personal_data,
    recordings,
    ticket_contacts,
    tickets,
)
from switchroom.storage.visit_days import midnight

BATCH = 200
REMADE = 10
"""Contacts at once whose rows are made anew: some 250 events are read for it, a few milliseconds of the event loop."""
_BY_ENTRY = (contacts.c.entered_at, contacts.c.contact_id)
PAUSE_S = 0.01
"""Between batches, so that those who wait for the database come first."""
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's word for a lock that was not to be had in time."""

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """The kinds of records, in the order in which they are gone through: what refers to another one before it."""

    MENU_INPUTS = "menu_inputs"
    RECORDINGS = "recordings"
    PERSONAL_DATA = "personal_data"
    TICKETS = "tickets"
    EVENTS = "events"
    CONTACTS = "contacts"


_GONE: Mapping[Personal, Mapping[str, Any]] = {
    Personal.INPUT: {"inputs": [], "collected": {}},
    Personal.PERSON: {"caller": "", "customer_id": None},
}
"""What a contact's row shows of it, and what stands there afterwards."""


class _Holds:
    """The contacts and customers that are held; looked up anew when a hold was placed or released meanwhile."""

    def __init__(self) -> None:
        self._known: Sequence[Hold] | None = None
        self.contacts: frozenset[ContactId] = frozenset()
        self.customers: frozenset[str] = frozenset()

    async def read(self, connection: AsyncConnection, now: datetime) -> None:
        found = await in_force(connection, now)
        if found != self._known:
            self.contacts = await held_contacts(connection, found)
            self.customers = frozenset(h.subject_id for h in found if h.subject is HoldSubject.CUSTOMER)
            self._known = found


class Retention:
    """One run after another; each begins at the beginning."""

    def __init__(
        self,
        database: Database,
        elsewhere: Elsewhere,
        days: Days,
        zone: tzinfo,
        *,
        server: str = "main",
        dry_run: bool = False,
    ) -> None:
        """``zone`` is the business's. Recordings of other servers than ``server`` lie on their disks: they see to them.

        With ``dry_run`` everything is counted and nothing is deleted.
        """
        self._database, self._elsewhere, self._days, self._zone = database, elsewhere, days, zone
        self._server, self._dry = server, dry_run
        self._holds = _Holds()

    def before(self, kind: Kind, now: datetime) -> datetime | None:
        """Records of this kind that are older are due; None when they are kept."""
        days: int = getattr(self._days, f"{kind}_days")
        return midnight(now.astimezone(self._zone).date() - timedelta(days=days), self._zone) if days else None

    async def run(self, now: datetime) -> Mapping[Kind, int]:
        """Delete what is due; returns how many records of each kind. Raises the database's errors."""
        steps: Mapping[Kind, Callable[[datetime, datetime], Awaitable[int]]] = {
            Kind.MENU_INPUTS: lambda before, at: self._personal(Personal.INPUT, before, at),
            Kind.RECORDINGS: self._recordings,
            Kind.PERSONAL_DATA: lambda before, at: self._personal(Personal.PERSON, before, at),
            Kind.TICKETS: self._tickets,
            Kind.EVENTS: self._events,
            Kind.CONTACTS: self._contacts,
        }
        async with self._database.read() as connection:
            await self._holds.read(connection, now)
        counts = dict.fromkeys(Kind, 0)
        for kind, step in steps.items():
            before = self.before(kind, now)
            if before is not None:
                counts[kind] = await step(before, now)
        if not self._dry and any(counts.values()):
            await self._database.compact()
        return counts

    async def _personal(self, kind: Personal, before: datetime, now: datetime) -> int:
        done = 0
        found = _of_before(before) & _shows(kind)
        async for page in self._pages(found, _BY_ENTRY, size=REMADE):
            async with self._turn(now) as connection:
                due = {row.contact_id for row in page} - self._holds.contacts
                done += len(due)
                if not self._dry and due:
                    await _forget_personal(connection, kind, due)
        return done

    async def _recordings(self, before: datetime, now: datetime) -> int:
        done = 0
        old, by_age = recordings.c.created_at < before, (recordings.c.created_at, recordings.c.id)
        async for page in self._pages(old, by_age, (recordings.c.contact_id, recordings.c.path)):
            async with self._turn(now) as connection:
                theirs = contacts.c.contact_id.in_([row.contact_id for row in page])
                others = select(contacts.c.contact_id).where(theirs, contacts.c.server != self._server)
                not_ours = set(await connection.scalars(others))
                due = [row for row in page if row.contact_id not in self._holds.contacts | not_ours]
                if not self._dry:
                    # Before the commit: a row whose file is gone is found again tomorrow, a file without a row is not.
                    due = [row for row in due if await self._deleted(row.path)]
                    await _forget_recordings(connection, due)
                done += len(due)
        return done

    async def _deleted(self, path: str) -> bool:
        try:
            await self._elsewhere.delete_audio([path])
        except OSError as error:
            log.error("retention.recording_not_deleted", error=type(error).__name__)
            return False
        return True

    async def _tickets(self, before: datetime, now: datetime) -> int:
        done = 0
        closed = (tickets.c.closed_at < before) & (tickets.c.state == TicketState.CLOSED)
        async for page in self._pages(closed, (tickets.c.id,), (tickets.c.customer_id,)):
            ids = [row.id for row in page]
            async with self._turn(now) as connection:
                links = await connection.execute(select(ticket_contacts).where(ticket_contacts.c.ticket_id.in_(ids)))
                held = {link.ticket_id for link in links if link.contact_id in self._holds.contacts}
                held |= {row.id for row in page if row.customer_id in self._holds.customers}
                due = set(ids) - held
                done += len(due)
                if not self._dry:
                    await connection.execute(delete(tickets).where(tickets.c.id.in_(due)))
        return done

    async def _contacts(self, before: datetime, now: datetime) -> int:
        done = 0
        async for page in self._pages(_of_before(before), _BY_ENTRY):
            async with self._turn(now) as connection:
                due = {row.contact_id for row in page} - self._holds.contacts
                done += len(due)
                if not self._dry:
                    for table in (personal_data, contacts):
                        await connection.execute(delete(table).where(table.c.contact_id.in_(due)))
        return done

    async def _events(self, before: datetime, now: datetime) -> int:
        """The log up to there, whole months at once where the database can. What is held stays in it."""
        if not self._dry:
            shorter = or_(log_head.c.since.is_(None), log_head.c.since < before)
            async with self._turn(now) as connection:
                # First: from now on nobody takes what is older for all that happened.
                await connection.execute(update(log_head).where(shorter).values(since=before))
        done = 0
        for month in () if self._dry else await months_before(self._database, before):
            try:
                async with self._turn(now) as connection:
                    done += await drop_month(connection, month, self._holds.contacts)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
                log.warning("retention.month_in_use", month=month)  # its events go one by one
        # The log's order is that of the commits, which is nearly that of the times: it ends where nothing is old.
        async for page in self._pages(true(), (events.c.seq,), (events.c.at, events.c.contact_id)):
            old = [row for row in page if row.at < before]
            if not old:
                break
            async with self._turn(now) as connection:
                due = [row for row in old if row.contact_id not in self._holds.contacts]
                done += len(due)
                if not self._dry and due:
                    await _forget_events(connection, due)
        return done

    async def _pages(
        self,
        condition: ColumnElement[bool],
        order: Sequence[Column[Any]],
        more: Sequence[Column[Any]] = (),
        *,
        size: int = BATCH,
    ) -> AsyncIterator[Sequence[Row[Any]]]:
        """The columns ``order`` and ``more`` of the rows that are meant, from the first to the last."""
        query = select(*order, *more).where(condition).order_by(*order).limit(size)
        following = query
        while True:
            async with self._database.read() as connection:
                page = (await connection.execute(following)).all()
            if not page:
                return
            yield page
            # Not a comparison of rows: this form is one that both databases read off the index.
            first, *rest = zip(order, page[-1], strict=False)
            later = [column > value for column, value in rest] or [first[0] > first[1]]
            following = query.where(first[0] >= first[1], or_(first[0] > first[1], *later))

    @asynccontextmanager
    async def _turn(self, now: datetime) -> AsyncIterator[AsyncConnection]:
        """A transaction that has its turn among the ledgers, with the holds as they are now; to count, only a look."""
        if self._dry:
            async with self._database.read() as connection:
                yield connection
            return
        async with self._database.write() as connection:
            await lock(connection)
            await self._holds.read(connection, now)
            yield connection
        await asyncio.sleep(PAUSE_S)


def _of_before(before: datetime) -> ColumnElement[bool]:
    """Also without an outcome: what came days ago is over, even if its server did not live to say so."""
    return contacts.c.entered_at < before


def _shows(kind: Personal) -> ColumnElement[bool]:
    """Contacts of which something of this kind is there."""
    apart = exists().where(personal_data.c.contact_id == contacts.c.contact_id, personal_data.c.kind == kind)
    if kind is Personal.PERSON:
        return or_(apart, contacts.c.caller != "", contacts.c.customer_id.is_not(None))
    return or_(apart, cast(contacts.c.inputs, String) != "[]", cast(contacts.c.collected, String) != "{}")


async def _forget_personal(connection: AsyncConnection, kind: Personal, due: Collection[ContactId]) -> None:
    theirs = personal_data.c.contact_id.in_(due) & (personal_data.c.kind == kind)
    await connection.execute(delete(personal_data).where(theirs))
    await connection.execute(update(contacts).where(contacts.c.contact_id.in_(due)).values(dict(_GONE[kind])))
    if kind is Personal.PERSON:
        refused = (outbox.c.kind == TICKET) & outbox.c.key.in_(due)
        await connection.execute(update(outbox).where(refused).values(last_error=None))
    await reproject(connection, sorted(due))


async def _forget_recordings(connection: AsyncConnection, due: Sequence[Row[Any]]) -> None:
    paths = {row.path for row in due}
    theirs = personal_data.c.contact_id.in_({row.contact_id for row in due}) & (personal_data.c.kind == Personal.VOICE)
    for apart in (await connection.execute(select(personal_data).where(theirs))).all():
        if apart.data.get("path") in paths:
            this = (personal_data.c.contact_id == apart.contact_id) & (personal_data.c.seq == apart.seq)
            await connection.execute(delete(personal_data).where(this))
    await connection.execute(delete(recordings).where(recordings.c.id.in_([row.id for row in due])))


async def _forget_events(connection: AsyncConnection, due: Sequence[Row[Any]]) -> None:
    seqs, times = [row.seq for row in due], [row.at for row in due]
    theirs = {row.contact_id for row in due if row.contact_id is not None}
    # The times let PostgreSQL look into their months only.
    for table, more in ((personal_data, personal_data.c.contact_id.in_(theirs)), (events, true())):
        span = table.c.at.between(min(times), max(times))
        await connection.execute(delete(table).where(table.c.seq.in_(seqs), span, more))
