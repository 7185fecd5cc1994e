"""The months of the event log and of the personal data in it: on PostgreSQL each is a partition, dropped at once.

SQLite has no partitions; there is nothing to do then.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sqlalchemy import text

from switchroom.storage.database import Database
from switchroom.storage.tables import events, personal_data


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


def _statement(table: str, year: int, number: int) -> Iterator[str]:
    end_year, end = following(year, number)
    yield f"CREATE TABLE IF NOT EXISTS {table}_{year:04}_{number:02} PARTITION OF {table}"
    yield f"FOR VALUES FROM ('{year:04}-{number:02}-01 00:00+00') TO ('{end_year:04}-{end:02}-01 00:00+00')"
