"""Keeps everything that happens: writes it down without ever making a call wait.

The bus hands events over at once; one writer takes them from a queue in memory and commits them in batches, in
order. While the database is locked or gone the writer tries again, and nothing is lost that fits the queue.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import islice

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from switchroom.domain.events import Event
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.database import Database
from switchroom.storage.event_log import EventLog, Position, Recorded, Writer
from switchroom.storage.partitions import Partitions
from switchroom.storage.projection import store
from switchroom.wire import prepare, type_name

BATCH = 40
"""Events in one transaction: preparing more at once would hold up the event loop for longer than a voice frame."""
CAPACITY = 200_000
"""Events kept in memory while the database is away: about 10,000 calls."""
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An event that is not yet committed; ``since`` by the monotonic clock."""

    recorded: Recorded
    since: float


class LedgerFull(Exception):
    """The database has been away for so long that memory is full; events from here on are not kept."""


class Ledger:
    """Records every event of the bus. Start it before those who publish, stop it after them."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        *,
        server: str = "main",
        capacity: int = CAPACITY,
        zone: tzinfo = UTC,
    ) -> None:
        """``server`` names this server among those that write into the same database; ``zone`` is the business's."""
        self._database, self._bus, self._clock = database, bus, clock
        self._writer = Writer(server=server, boot=secrets.token_hex(4))
        self._partitions = Partitions(database)
        self._capacity, self._zone = capacity, zone
        self._queue: deque[_Waiting] = deque()
        self._when_owed: list[Callable[[], None]] = []
        self._number = self._kept_number = self._written_number = 0
        self._written = self._position = 0
        self._wanted = asyncio.Event()
        self._progress = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    def backlog(self) -> int:
        """Events that are not yet committed."""
        return len(self._queue)

    @property
    def oldest_waits_s(self) -> float:
        """How long the oldest event that is not yet committed has waited, in seconds; 0 when none waits."""
        return self._clock.monotonic() - self._queue[0].since if self._queue else 0.0

    @property
    def number(self) -> int:
        """The number of the newest event of this server's life; a subscriber of the bus finds here its event's."""
        return self._number

    @property
    def position(self) -> Position:
        """How far somebody is who has had every event of this server until now.

        Of other servers' events it takes in those of before the start, no more: they do not come over this bus.
        """
        return Position(self._position, self._writer.boot, self._number)

    @property
    def written(self) -> int:
        """The place in the log of the newest event that this server is known to have committed."""
        return self._written

    @property
    def server(self) -> str:
        """This server's name."""
        return self._writer.server

    def on_owed(self, action: Callable[[], None]) -> None:
        """Call ``action`` when something that is owed to another system was committed (`Outbox`)."""
        self._when_owed.append(action)

    async def start(self) -> None:
        prepare()
        self._written = self._position = await EventLog(self._database).head()
        await self._partitions.ensure([self._clock.now()])
        self._unsubscribe = self._bus.subscribe(Event, self.record)
        self._task = asyncio.create_task(self._write(), name="ledger")

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Take no more events and write down the rest, as far as the database allows within ``timeout_s``."""
        self._unsubscribe()
        try:
            await asyncio.wait_for(self.flush(), timeout_s)
        except TimeoutError:
            log.error("ledger.stopped_with_backlog", events=self.backlog)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def flush(self) -> None:
        """Return when everything recorded until now is committed."""
        target = self._kept_number
        async with self._progress:
            await self._progress.wait_for(lambda: self._written_number >= target)

    def record(self, event: Event) -> None:
        """Number the event and keep it for the writer. Raises `LedgerFull`."""
        self._number += 1
        if len(self._queue) >= self._capacity:
            raise LedgerFull(f"{self._capacity} events wait for the database")
        self._kept_number = self._number
        self._queue.append(_Waiting(Recorded(self._number, event), self._clock.monotonic()))
        self._wanted.set()

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            batch = [waiting.recorded for waiting in islice(self._queue, BATCH)]
            await self._store(batch)
            for _ in batch:
                self._queue.popleft()
            if not self._queue:
                self._wanted.clear()
            async with self._progress:
                self._written_number = batch[-1].number
                self._progress.notify_all()

    async def _store(self, batch: Sequence[Recorded]) -> None:
        tries = 0
        while True:
            try:
                await self._partitions.ensure(recorded.event.at for recorded in batch)
                async with self._database.write() as connection:
                    again_after = self._written if tries else None
                    stored = await store(connection, self._writer, batch, again_after=again_after, zone=self._zone)
                span = stored.span
                if span.first == self._position + 1:
                    self._position = span.last  # nothing of other servers lies between
                self._written = max(self._written, span.last)
                if stored.owes:
                    for action in self._when_owed:
                        action()
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
