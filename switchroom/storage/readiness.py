"""Can the ledger be written? Asked by writing: a database that answers may still be read-only, full or locked."""

import asyncio

from switchroom.domain.errors import NotReady
from switchroom.runtime.clock import Clock
from switchroom.storage.database import Database, upsert
from switchroom.storage.ledger import Ledger
from switchroom.storage.tables import heartbeats
from switchroom.storage.trouble import explain

PATIENCE_S = 1.0
"""For one small write. Nobody who asks waits longer."""
STALE_S = 5.0
"""Events are on the disk within milliseconds; one that waits for this long waits for something that is broken."""


class Writable:
    """Writes the time of this server's last check. It has a connection of its own: a hung one holds up nobody else."""

    def __init__(self, url: str, server: str, clock: Clock) -> None:
        self._database = Database(url, patience_s=PATIENCE_S)
        self._server, self._clock = server, clock
        self._probe: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raise `NotReady` unless the database takes a small write. Who asks meanwhile gets the same answer."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._write(), name="readiness")
        await asyncio.shield(self._probe)

    async def close(self) -> None:
        if self._probe is not None:
            await asyncio.wait([self._probe])
        await self._database.close()

    async def _write(self) -> None:
        try:
            async with asyncio.timeout(2 * PATIENCE_S), self._database.write() as connection:
                await upsert(connection, heartbeats, [{"server": self._server, "at": self._clock.now()}])
        except Exception as error:
            raise explain(error) from error


async def check_backlog(ledger: Ledger) -> None:
    """Raise `NotReady` when events wait in memory for longer than `STALE_S`."""
    if ledger.oldest_waits_s > STALE_S:
        raise NotReady(f"{ledger.backlog} events wait to be written down, the oldest for {ledger.oldest_waits_s:.0f} s")
