"""Waits in queues, counted by business day, brand, queue and ending. The counts outlive the log.

A wait belongs to the day on which its contact came in: all of a contact is in one day, and the log, which is cut at
midnights, holds a day whole or not at all. The counts follow the contacts' rows: each batch adds what it changed in
them, in the same transaction, so that nothing is counted twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.contact import VisitEnding
from switchroom.domain.history import ContactRecord
from switchroom.storage.database import Database, upsert
from switchroom.storage.tables import visit_days

WITHIN_S = (1, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
LONGER = 0
"""The bucket of the waits that are longer than the last."""


class Cell(NamedTuple):
    """One row of the table."""

    day: date
    brand: str
    queue: str
    ending: VisitEnding
    within_s: int


@dataclass(frozen=True, slots=True)
class VisitCounts:
    """Adds what changed. ``zone`` is that of the days; those before ``first`` are left alone."""

    zone: tzinfo
    first: date | None = None

    async def count(
        self, connection: AsyncConnection, changes: Iterable[tuple[ContactRecord | None, ContactRecord]]
    ) -> None:
        """``changes`` are contacts as they were and as they are."""
        totals: dict[Cell, list[int]] = defaultdict(lambda: [0, 0])
        for before, after in changes:
            if before is not None:
                if before.visits is after.visits and _place(before) == _place(after):
                    continue
                self._sum(totals, before, -1)
            self._sum(totals, after, +1)
        rows = [
            {**cell._asdict(), "visits": visits, "waited_ms": waited_ms}
            for cell, (visits, waited_ms) in totals.items()
            if (visits, waited_ms) != (0, 0)
        ]
        await upsert(connection, visit_days, rows, add=True)
        if any(visits < 0 for visits, _ in totals.values()):
            await connection.execute(delete(visit_days).where(visit_days.c.visits == 0))

    def _sum(self, totals: Mapping[Cell, list[int]], record: ContactRecord, sign: int) -> None:
        day = record.entered_at.astimezone(self.zone).date()
        if self.first is not None and day < self.first:
            return
        for visit in record.visits:
            if visit.ending is None or visit.ended_at is None:
                continue
            waited = max(visit.ended_at - visit.enqueued_at, timedelta())
            within_s = next((bound for bound in WITHIN_S if waited <= timedelta(seconds=bound)), LONGER)
            total = totals[Cell(day, record.brand or "", visit.queue, visit.ending, within_s)]
            total[0] += sign
            total[1] += sign * round(waited / timedelta(milliseconds=1))


def _place(record: ContactRecord) -> tuple[datetime, str | None]:
    return record.entered_at, record.brand


def first_whole_day(since: datetime, zone: tzinfo) -> date:
    """The first day of ``zone`` that begins at ``since`` or later.

    >>> from zoneinfo import ZoneInfo
    >>> shanghai = ZoneInfo("Asia/Shanghai")
    >>> first_whole_day(datetime.fromisoformat("2026-01-07T16:00:00Z"), shanghai).isoformat()
    '2026-01-08'
    >>> first_whole_day(datetime.fromisoformat("2026-01-07T16:00:01Z"), shanghai).isoformat()
    '2026-01-09'
    """
    day = since.astimezone(zone).date()
    return day if midnight(day, zone) >= since else day + timedelta(days=1)


def midnight(day: date, zone: tzinfo) -> datetime:
    """When ``day`` begins."""
    return datetime.combine(day, time(), zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """Waits that ended alike, summed up over all that is not named (None): ``within_s`` as in the table."""

    day: date | None
    brand: str | None
    queue: str | None
    ending: VisitEnding
    within_s: int
    visits: int
    waited_ms: int


class VisitDays:
    """Reads the counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def between(self, first: date, last: date, by: Sequence[str]) -> Sequence[VisitRow]:
        """Of the days from ``first`` to ``last``, summed up ``by`` day, brand or queue; in that order."""
        cells = visit_days.c
        keys = [cells[name] for name in (*by, "ending", "within_s")]
        query = (
            select(*keys, func.sum(cells.visits).label("visits"), func.sum(cells.waited_ms).label("waited_ms"))
            .where(cells.day.between(first, last))
            .group_by(*keys)
            .order_by(*keys)
        )
        async with self._database.read() as connection:
            return [_row(row._mapping) for row in await connection.execute(query)]


def _row(found: Mapping[Any, Any]) -> VisitRow:
    return VisitRow(
        day=found.get("day"),
        brand=found.get("brand"),
        queue=found.get("queue"),
        ending=VisitEnding(found["ending"]),
        within_s=found["within_s"],
        visits=int(found["visits"]),
        waited_ms=int(found["waited_ms"]),
    )
