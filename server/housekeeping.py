"""What the server deletes by itself: once a day what has been kept long enough (`switchroom.storage.retention`), and
soon what another server erased whose file lies here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, tzinfo
from datetime import time as time_of_day

import structlog
from sqlalchemy import select

from server.elsewhere import Elsewhere
from switchroom.runtime.clock import Clock
from switchroom.runtime.settings import Settings
from switchroom.storage.database import Database, upsert
from switchroom.storage.recordings import Recordings
from switchroom.storage.retention import Kind, Retention
from switchroom.storage.tables import retention_runs

LOOK_EVERY_S = 60.0

log = structlog.get_logger(__name__)


def due(now: datetime, zone: tzinfo, run_at: time_of_day, last: date | None) -> bool:
    """Whether today's run has not been yet, and it is time for it; of a day that was missed it is not made up for.

    >>> from datetime import UTC
    >>> early, late = datetime(2026, 1, 8, 3, 29, tzinfo=UTC), datetime(2026, 1, 8, 3, 30, tzinfo=UTC)
    >>> half_past, yesterday = time_of_day(3, 30), date(2026, 1, 7)
    >>> [due(now, UTC, half_past, last) for now in (early, late) for last in (None, yesterday, late.date())]
    [False, False, False, True, True, False]
    """
    local = now.astimezone(zone)
    return local.time() >= run_at and (last is None or last < local.date())


class Housekeeping:
    """Looks each minute whether it is time."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, *more: Callable[[], Awaitable[object]]
    ) -> None:
        """``more`` is other work that is to be done each minute."""
        self._settings, self._database, self._clock, self._more = settings, database, clock, more
        self._retention, self._elsewhere = retention(settings, database), Elsewhere(settings)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for work in (self.delete_owed, self.look, *self._more):
                try:
                    await work()
                except Exception as error:  # the next minute tries again
                    log.error("housekeeping.failed", work=getattr(work, "__name__", ""), error=type(error).__name__)

    async def delete_owed(self) -> None:
        """Delete the files of recordings that another server erased. Raises the database's errors."""
        index, stuck = Recordings(self._database), 0
        for path in await index.owed_deletions(self._settings.server_name):
            try:
                await self._elsewhere.delete_audio([path])
            except OSError:  # one that cannot be deleted does not keep the others
                stuck += 1
            else:
                await index.deleted(path)
        if stuck:
            log.error("housekeeping.recordings_not_deleted", files=stuck)

    async def look(self) -> Mapping[Kind, int] | None:
        """Today's run, if it is time for it. Raises the database's errors."""
        settings, now = self._settings, self._clock.now()
        mine = select(retention_runs.c.day).where(retention_runs.c.server == settings.server_name)
        async with self._database.read() as connection:
            last = await connection.scalar(mine)
        if not due(now, settings.zone, settings.retention.run_at, last):
            return None
        counts = await self._retention.run(now)
        await finished(self._database, settings, self._clock.now(), counts)
        log.info("retention.done", **{str(kind): count for kind, count in counts.items()})
        return counts


def retention(settings: Settings, database: Database, *, dry_run: bool = False) -> Retention:
    """As the settings say."""
    return Retention(
        database,
        Elsewhere(settings),
        settings.retention,
        settings.zone,
        server=settings.server_name,
        dry_run=dry_run,
    )


async def finished(database: Database, settings: Settings, now: datetime, counts: Mapping[Kind, int]) -> None:
    """Write down that this server's run of today is done."""
    row = {
        "server": settings.server_name,
        "day": now.astimezone(settings.zone).date(),
        "finished_at": now,
        "counts": {str(kind): count for kind, count in counts.items()},
    }
    async with database.write() as connection:
        await upsert(connection, retention_runs, [row])
