"""Agents' presence, as it was when the server last ran: who was logged in stays logged in over a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, CallId, QueueName
from switchroom.storage.database import Database
from switchroom.storage.tables import agent_presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """An agent's last known state."""

    agent_id: AgentId
    state: AgentState
    reason: str | None
    call_id: CallId | None
    since: datetime
    until: datetime | None
    queue: QueueName | None = None
    requested: AgentState | None = None
    requested_reason: str | None = None


async def load_presence(database: Database) -> Sequence[Presence]:
    async with database.read() as connection:
        rows = await connection.execute(select(agent_presence).order_by(agent_presence.c.agent_id))
        return [
            Presence(
                **{
                    **row._mapping,
                    "state": AgentState(row.state),
                    "requested": AgentState(row.requested) if row.requested else None,
                }
            )
            for row in rows
        ]
