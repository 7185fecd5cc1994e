"""Keeps everything that happens: numbers each event, and writes it down without ever making a call wait.

The bus hands events over at once; one writer takes them from a queue in memory and commits them in batches, in
order. While the database is locked or gone the writer tries again, and nothing is lost that fits the queue.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from switchroom.domain.events import Event
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.database import Database
from switchroom.storage.event_log import EventLog
from switchroom.storage.projection import Recorded, store
from switchroom.wire import type_name

BATCH = 40
"""Events in one transaction: preparing more at once would hold up the event loop for longer than a voice frame."""
CAPACITY = 200_000
"""Events kept in memory while the database is away: about 10,000 calls."""
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger(__name__)


class LedgerFull(Exception):
    """The database has been away for so long that memory is full; events from here on are not kept."""


class Ledger:
    """Records every event of the bus. Start it before whoever publishes, stop it after them."""

    def __init__(self, database: Database, bus: Bus, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._database, self._bus, self._clock = database, bus, clock
        self._capacity = capacity
        self._queue: deque[Recorded] = deque()
        self._followers: list[Callable[[Recorded], None]] = []
        self._last_seq = 0
        self._written_seq = 0
        self._wanted = asyncio.Event()
        self._progress = asyncio.Condition()
        self._writer: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    def backlog(self) -> int:
        """Events that are not yet committed."""
        return len(self._queue)

    @property
    def oldest_waits_s(self) -> float:
        """How long the oldest event that is not yet committed has waited, in seconds; 0 when none waits."""
        return max(0.0, self._clock.now().timestamp() - self._queue[0].seq / 1_000_000) if self._queue else 0.0

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self._last_seq

    def follow(self, follower: Callable[[Recorded], None]) -> Callable[[], None]:
        """Call ``follower`` with every event and its number as it happens; returns the function that ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    async def start(self) -> None:
        self._last_seq = self._written_seq = await EventLog(self._database).last_seq()
        self._unsubscribe = self._bus.subscribe(Event, self.record)
        self._writer = asyncio.create_task(self._write(), name="ledger")

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Take no more events and write down the rest, as far as the database allows within ``timeout_s``."""
        self._unsubscribe()
        try:
            await asyncio.wait_for(self.flush(), timeout_s)
        except TimeoutError:
            log.error("ledger.stopped_with_backlog", events=self.backlog)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def flush(self) -> None:
        """Return when everything recorded until now is committed."""
        target = self._last_seq
        async with self._progress:
            await self._progress.wait_for(lambda: self._written_seq >= target)

    def record(self, event: Event) -> None:
        if len(self._queue) >= self._capacity:
            raise LedgerFull(f"{self._capacity} events wait for the database")
        # Microseconds since 1970, pushed on where needed: rising without asking the database, also after a crash
        # that lost the newest numbers; and below 2^53, so that a browser can hold it.
        self._last_seq = max(self._last_seq + 1, int(self._clock.now().timestamp() * 1_000_000))
        recorded = Recorded(self._last_seq, event)
        self._queue.append(recorded)
        self._wanted.set()
        for follower in tuple(self._followers):
            follower(recorded)

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            batch = list(islice(self._queue, BATCH))
            await self._store(batch)
            for _ in batch:
                self._queue.popleft()
            if not self._queue:
                self._wanted.clear()
            async with self._progress:
                self._written_seq = batch[-1].seq
                self._progress.notify_all()

    async def _store(self, batch: Sequence[Recorded]) -> None:
        tries = 0
        while True:
            try:
                async with self._database.write() as connection:
                    await store(connection, batch, again=tries > 0)
                if tries:
                    log.info("ledger.recovered", tries=tries, backlog=self.backlog)
                return
            except Exception as error:
                if _unwritable(error):
                    await self._store_singly(batch, error)
                    return
                pause_s = BACKOFF_S[min(tries, len(BACKOFF_S) - 1)]
                tries += 1
                log.warning("ledger.retrying", error=type(error).__name__, tries=tries, backlog=self.backlog)
                await asyncio.sleep(pause_s)

    async def _store_singly(self, batch: Sequence[Recorded], error: Exception) -> None:
        """One event that no database would take must not keep the others out."""
        if len(batch) == 1:
            log.error("ledger.event_refused", event_type=type_name(batch[0].event), error=type(error).__name__)
            return
        for recorded in batch:
            await self._store([recorded])


def _unwritable(error: Exception) -> bool:
    """Is it the event's fault (no use in trying again), rather than the database's?"""
    if isinstance(error, DBAPIError):
        # asyncpg's errors arrive as one kind; SQLSTATE classes 22 and 23 are data and integrity (PostgreSQL, app. A).
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        return isinstance(error, DataError | IntegrityError) or sqlstate[:2] in ("22", "23")
    return isinstance(error, StatementError | TypeError | ValueError)
