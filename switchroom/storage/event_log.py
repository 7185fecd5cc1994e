"""The append-only log: everything that happened, in the order of the commits, whichever server wrote it.

A row of the log is written once and never changed. What tells of a person stands apart, in ``personal_data``, and is
joined when it is read; what is erased there reads as erased.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Row, Select, and_, func, insert, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.events import Event
from switchroom.domain.events.base import personal_fields
from switchroom.domain.ids import AgentId, ContactId
from switchroom.storage.database import Database
from switchroom.storage.tables import events, log_head, personal_data
from switchroom.wire import WIRE, split, to_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes: a server, in one life of its process."""

    server: str
    boot: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its number among those of its `Writer`, which rise from 1."""

    number: int
    event: Event


@dataclass(frozen=True, slots=True)
class Span:
    """A batch's place in the log, both ends included; empty when ``last`` is smaller than ``first``."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One event as it was kept, ``data`` in the form of ``version``."""

    seq: int
    type: str
    version: int
    at: datetime
    server: str
    boot: str
    number: int
    contact_id: ContactId | None
    agent_id: AgentId | None
    data: Mapping[str, Any]

    def event(self) -> Event:
        """Raises `switchroom.wire.WireError` when the form is not known."""
        return WIRE.decode(self.type, self.version, self.data)


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has followed what happens: all of the log up to ``seq``, and of the life ``boot`` of a server
    all events up to ``number``, which may not yet have been in the log.

    >>> str(Position(12, "3f9a61c2", 40)), Position.parse("12-3f9a61c2-40"), Position.parse("12")
    ('12-3f9a61c2-40', Position(seq=12, boot='3f9a61c2', number=40), Position(seq=12, boot='', number=0))
    """

    seq: int
    boot: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.seq}-{self.boot}-{self.number}" if self.boot else str(self.seq)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is no position."""
        seq, _, rest = text.partition("-")
        boot, _, number = rest.partition("-")
        return cls(int(seq), boot, int(number or 0))


class EventLog:
    """Reads the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(
        self, position: Position, *, agents: Collection[AgentId] | None = None, limit: int = 1000
    ) -> Sequence[LoggedEvent]:
        """What ``position`` has not seen, oldest first; with ``agents`` only what concerns these."""
        return await self._read(after(position, agents=agents, limit=limit))

    async def of_contact(self, contact_id: ContactId) -> Sequence[LoggedEvent]:
        """A call's whole story, oldest first."""
        return await self._read(of_contact(contact_id))

    async def head(self) -> int:
        """The newest event's number; 0 when nothing happened yet."""
        async with self._database.read() as connection:
            return await connection.scalar(select(log_head.c.seq)) or 0

    async def _read(self, query: Select[Any]) -> Sequence[LoggedEvent]:
        async with self._database.read() as connection:
            return [_newest_form(logged(row)) for row in await connection.execute(query)]


def after(position: Position, *, agents: Collection[AgentId] | None = None, limit: int) -> Select[Any]:
    query = whole().where(events.c.seq > position.seq).order_by(events.c.seq).limit(limit)
    if position.boot:
        query = query.where(not_(and_(events.c.boot == position.boot, events.c.number <= position.number)))
    return query if agents is None else query.where(events.c.agent_id.in_(agents))


def of_contact(contact_id: ContactId) -> Select[Any]:
    return whole().where(events.c.contact_id == contact_id).order_by(events.c.seq)


def whole() -> Select[Any]:
    """Events, each with its personal part as far as that is there; `logged` reads the rows."""
    apart = personal_data.c
    same = and_(apart.contact_id == events.c.contact_id, apart.seq == events.c.seq, apart.at == events.c.at)
    return select(events, apart.data.label("personal")).outerjoin(personal_data, same)


def logged(row: Row[Any]) -> LoggedEvent:
    values = dict(row._mapping)
    personal = values.pop("personal")
    data = WIRE.joined(values["type"], values["version"], values["data"], personal)
    return LoggedEvent(**{**values, "data": data})


def _newest_form(entry: LoggedEvent) -> LoggedEvent:
    """Readers know the newest form only. What a newer server wrote is left as it is."""
    newest = WIRE.newest(entry.type)
    if newest is None or entry.version >= newest:
        return entry
    values = {name: getattr(entry, name) for name in LoggedEvent.__slots__}
    return LoggedEvent(**{**values, "version": newest, "data": to_record(entry.event())})


async def lock(connection: AsyncConnection) -> int:
    """Wait for the turn to write, which lasts until the transaction ends; returns the newest event's number."""
    head: int = (await connection.scalars(select(log_head.c.seq).with_for_update())).one()
    return head


async def append(connection: AsyncConnection, writer: Writer, recorded: Sequence[Recorded], *, head: int) -> Span:
    """Write ``recorded`` after ``head``, the number that `lock` returned."""
    if recorded:
        rows, apart = [], []
        for seq, one in enumerate(recorded, start=head + 1):
            row, personal = _rows(writer, one, seq)
            rows.append(row)
            if personal is not None:
                apart.append(personal)
        await connection.execute(insert(events), rows)
        if apart:
            await connection.execute(insert(personal_data), apart)
        await connection.execute(update(log_head).values(seq=head + len(rows)))
    return Span(head + 1, head + len(recorded))


async def find(connection: AsyncConnection, writer: Writer, numbers: Span, *, after_seq: int) -> Span | None:
    """Where the writer's events of ``numbers`` are, if an earlier try wrote them after ``after_seq``."""
    query = select(func.min(events.c.seq), func.max(events.c.seq)).where(
        events.c.seq > after_seq,
        events.c.server == writer.server,
        events.c.boot == writer.boot,
        events.c.number.between(numbers.first, numbers.last),
    )
    first, last = (await connection.execute(query)).one()
    return None if first is None else Span(first, last)


def _rows(writer: Writer, recorded: Recorded, seq: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The event's row, and that of its personal part if it has one."""
    event = recorded.event
    name, version = WIRE.form(event)
    data, personal = split(event)
    row = {
        "seq": seq,
        "at": event.at,
        "server": writer.server,
        "boot": writer.boot,
        "number": recorded.number,
        "type": name,
        "version": version,
        "contact_id": getattr(event, "contact_id", None),
        "agent_id": getattr(event, "agent_id", None),
        "data": data,
    }
    declared = personal_fields(type(event)) if personal else None
    if declared is None:
        return row, None
    return row, {
        "contact_id": row["contact_id"],
        "seq": seq,
        "at": event.at,
        "kind": declared.kind,
        "data": personal,
    }
