"""Ends the contacts of servers that are no more: renamed, or taken out of service. Nobody else would.

Each server writes a sign of life every minute. A server is gone when its last one is a day old, and has not changed
while this server watched, by a clock that nobody sets: a server that runs is never taken for gone, however the times of
day of two machines differ.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from switchroom.domain.ids import ContactId
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.contacts import load
from switchroom.storage.database import Database, upsert
from switchroom.storage.lost import end_of
from switchroom.storage.tables import contacts, heartbeats

SILENT = timedelta(days=1)
"""So long nothing was heard of a server that is gone. Contacts that came later are left alone."""
WATCHED_S = 600.0
"""A server that runs writes ten times in this."""

log = structlog.get_logger(__name__)


class GoneServers:
    """Says the ends on the bus, as `switchroom.storage.lost` does for this server's own."""

    def __init__(self, database: Database, server: str, bus: Bus, clock: Clock) -> None:
        """``server`` is this one's name."""
        self._database, self._server, self._bus, self._clock = database, server, bus, clock
        self._seen: dict[str, tuple[datetime | None, float]] = {}
        """The last sign of life of each server, and since when it is the last one here."""

    async def end_contacts(self) -> None:
        """Write down that this server lives, and end what gone ones left: each minute. Raises the database's errors."""
        now = self._clock.now()
        async with self._database.write() as connection:
            await upsert(connection, heartbeats, [{"server": self._server, "at": now}])
        open_there = (contacts.c.outcome.is_(None)) & (contacts.c.server != self._server)
        left = select(contacts.c.contact_id, contacts.c.server).where(open_there, contacts.c.entered_at < now - SILENT)
        async with self._database.read() as connection:
            signs = {row.server: row.at for row in await connection.execute(select(heartbeats))}
            rows = (await connection.execute(left)).all()
            gone = self._gone({row.server for row in rows}, signs, now)
            found = await load(connection, [ContactId(row.contact_id) for row in rows if row.server in gone])
        for contact_id, owned in found.items():
            log.warning("contacts.server_gone", contact_id=contact_id, of_server=owned.server)
            at = signs.get(owned.server, now)  # nobody knows better when it ended
            self._bus.publish(end_of(owned.record, max(at, owned.record.entered_at)))

    def _gone(self, servers: Collection[str], signs: Mapping[str, datetime], now: datetime) -> set[str]:
        monotonic, watched = self._clock.monotonic(), self._seen
        seen = {server: signs.get(server) for server in servers}
        self._seen = {
            server: watched[server] if server in watched and watched[server][0] == at else (at, monotonic)
            for server, at in seen.items()
        }
        return {
            server
            for server, (at, since) in self._seen.items()
            if (at is None or at < now - SILENT) and monotonic - since >= WATCHED_S
        }
