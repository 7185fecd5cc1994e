"""The months of the event log and of the personal data in it: on PostgreSQL each is a partition, dropped at once.

SQLite has no partitions; there is nothing to do then.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.ids import ContactId
from switchroom.storage.database import Database, batched
from switchroom.storage.tables import events, personal_data

LOCK_TIMEOUT = "2s"


def month(at: datetime) -> tuple[int, int]:
    """Year and month, in UTC."""
    at = at.astimezone(UTC)
    return at.year, at.month


def following(year: int, month: int) -> tuple[int, int]:
    """
    >>> following(2026, 12)
    (2027, 1)
    """
    return (year + 1, 1) if month == 12 else (year, month + 1)


class Partitions:
    """Makes the month's partition, and the one after it, before the first event of the month is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._there: set[tuple[int, int]] = set()

    async def ensure(self, times: Iterable[datetime]) -> None:
        """Make what is missing for events of these ``times``. Costs nothing when all is there."""
        if self._database.dialect != "postgresql":
            return
        wanted = {month(at) for at in times} - self._there
        if not wanted:
            return
        # In a transaction of its own: making a partition locks the whole log for a moment.
        async with self._database.write() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('switchroom.partitions'))"))
            for year, number in sorted({*wanted, *(following(*one) for one in wanted)}):
                for table in (events, personal_data):
                    await connection.execute(text("\n".join(_statement(table.name, year, number))))
        self._there |= wanted


async def months_before(database: Database, before: datetime) -> Sequence[tuple[int, int]]:
    """The months that have a partition and are over at ``before``, the oldest first; none on SQLite."""
    if database.dialect != "postgresql":
        return []
    async with database.read() as connection:
        names = await connection.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass")
        )
        found = [re.fullmatch(r"events_(\d{4})_(\d\d)", name) for name in names]
    there = [(int(name[1]), int(name[2])) for name in found if name]
    return sorted(one for one in there if following(*one) <= month(before))


async def drop_month(connection: AsyncConnection, one: tuple[int, int], keep: Collection[ContactId]) -> int:
    """Drop the month's partitions, unless one of the contacts ``keep`` is in them; returns how many events went."""
    year, number = one
    name = f"events_{year:04}_{number:02}"
    for some in batched(keep):
        held = text(f"SELECT 1 FROM {name} WHERE contact_id IN :keep LIMIT 1")  # noqa: S608 - a name of our own
        if await connection.scalar(held.bindparams(bindparam("keep", some, expanding=True))) is not None:
            return 0
    count: int = (await connection.scalars(text(f"SELECT count(*) FROM {name}"))).one()  # noqa: S608
    # To drop one locks the whole log: rather not today than make the ledgers wait.
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    for table in (events, personal_data):
        await connection.execute(text(f"DROP TABLE IF EXISTS {table.name}_{year:04}_{number:02}"))
    return count


def _statement(table: str, year: int, number: int) -> Iterator[str]:
    end_year, end = following(year, number)
    yield f"CREATE TABLE IF NOT EXISTS {table}_{year:04}_{number:02} PARTITION OF {table}"
    yield f"FOR VALUES FROM ('{year:04}-{number:02}-01 00:00+00') TO ('{end_year:04}-{end:02}-01 00:00+00')"
