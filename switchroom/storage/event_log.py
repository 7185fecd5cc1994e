"""Reads the append-only log: everything that happened, in order, with the router's reasons."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from switchroom.domain.ids import AgentId, ContactId
from switchroom.storage.database import Database
from switchroom.storage.tables import decisions, events


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One event as it was kept. ``seq`` rises with every event, also over restarts."""

    seq: int
    type: str
    at: datetime
    contact_id: ContactId | None
    agent_id: AgentId | None
    data: Mapping[str, Any]


class EventLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(
        self, seq: int, *, agents: Collection[AgentId] | None = None, limit: int = 1000
    ) -> Sequence[LoggedEvent]:
        """What happened after ``seq``, oldest first; with ``agents`` only what concerns these."""
        query = select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if agents is not None:
            query = query.where(events.c.agent_id.in_(agents))
        async with self._database.read() as connection:
            return [LoggedEvent(**row._mapping) for row in await connection.execute(query)]

    async def of_call(self, contact_id: ContactId) -> Sequence[LoggedEvent]:
        """A call's whole story, oldest first."""
        query = select(events).where(events.c.contact_id == contact_id).order_by(events.c.seq)
        async with self._database.read() as connection:
            return [LoggedEvent(**row._mapping) for row in await connection.execute(query)]

    async def decisions(self, contact_id: ContactId) -> Sequence[Mapping[str, Any]]:
        """Why the call went where it went: the router's decisions, oldest first."""
        query = select(decisions.c.decision).where(decisions.c.contact_id == contact_id).order_by(decisions.c.seq)
        async with self._database.read() as connection:
            return list((await connection.scalars(query)).all())

    async def last_seq(self) -> int:
        """The newest event's number; 0 when nothing happened yet."""
        async with self._database.read() as connection:
            return await connection.scalar(select(func.max(events.c.seq))) or 0
