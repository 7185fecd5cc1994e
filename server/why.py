"""Why an agent, or why nobody: the reasons of past decisions, made from the event log when somebody asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from acd.config import AcdConfig
from acd.core.rules.skill_levels import together
from acd.explain import AgentThen, WaitedThen, reasons
from switchroom.domain.events import (
    AgentState,
    AgentStateChanged,
    ContactQueued,
    DecisionMade,
    DeskChanged,
    PlaceChanged,
)
from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.storage.database import Database
from switchroom.storage.event_log import of_contact
from switchroom.storage.tables import contacts, events
from switchroom.wire import type_name

COUNTED_LINE = 500
"""Of a longer line it is not counted whom a head-start has passed."""

LONGEST_CALL = timedelta(hours=12)
"""Nobody who waits has entered earlier."""


class Why:
    """Reads the log. Skills are those of ``config``: what they were then is not in the log."""

    def __init__(self, database: Database, config: AcdConfig) -> None:
        self._database, self._config = database, config

    async def decisions(self, contact_id: ContactId) -> Sequence[Mapping[str, Any]]:
        """The decisions about a contact with their reasons, oldest first."""
        made = of_contact(contact_id).where(events.c.type == type_name(DecisionMade))
        async with self._database.read() as connection:
            rows = (await connection.execute(made)).all()
        found = []
        for row in rows:
            decision: Mapping[str, Any] = row.data["decision"]
            line = await self._line(contact_id, row.seq, decision) if decision["head_start_s"] else []
            found.append(reasons(decision, await self._agents(row.seq), line))
        return found

    async def _agents(self, seq: int) -> list[AgentThen]:
        """All agents as they were before this event."""
        agents = []
        for agent_id, agent in self._config.agents.items():
            state = await self._last(events.c.agent_id == agent_id, seq, AgentStateChanged)
            desk = await self._last(events.c.agent_id == agent_id, seq, DeskChanged)
            agents.append(
                AgentThen(
                    id=AgentId(agent_id),
                    skills=agent.skills,
                    state=AgentState(state["state"]) if state else AgentState.LOGGED_OUT,
                    since=datetime.fromisoformat(state["at"]) if state else datetime.fromtimestamp(0).astimezone(),
                    phone_registered=bool(desk and desk["phone_registered"]),
                )
            )
        return agents

    async def _line(self, contact_id: ContactId, seq: int, decision: Mapping[str, Any]) -> list[WaitedThen] | None:
        """Who had come earlier, by no more than the head-start, and still waited; None if they are many."""
        at, came = datetime.fromisoformat(decision["at"]), datetime.fromisoformat(decision["enqueued_at"])
        query = (
            select(contacts.c.contact_id, contacts.c.enqueued_at)
            .where(contacts.c.entered_at > came - LONGEST_CALL, contacts.c.entered_at <= came)
            .where(contacts.c.enqueued_at < came)
            .where(contacts.c.enqueued_at > came - timedelta(seconds=decision["head_start_s"]))
            .where(contacts.c.contact_id != contact_id)
            .where((contacts.c.answered_at.is_(None)) | (contacts.c.answered_at > at))
            .where((contacts.c.ended_at.is_(None)) | (contacts.c.ended_at > at))
            .limit(COUNTED_LINE + 1)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        if len(rows) > COUNTED_LINE:
            return None
        line = []
        for other, enqueued_at in rows:
            queued = await self._last(events.c.contact_id == other, seq, ContactQueued, PlaceChanged)
            if queued is not None:
                line.append(WaitedThen(enqueued_at, self._required(queued["requirements"])))
        return line

    def _required(self, needs: Mapping[str, Any]) -> Mapping[str, int]:
        queue = self._config.queues.get(QueueName(needs["queue"]), self._config.queues[self._config.fallback])
        return together(needs["skills"], queue.skills)

    async def _last(self, whose: Any, seq: int, *kinds: type) -> Mapping[str, Any] | None:
        """The data of the last event of these kinds before this one."""
        names = [type_name(kind) for kind in kinds]
        before = whose & (events.c.seq < seq) & events.c.type.in_(names)
        query = select(events.c.data).where(before).order_by(events.c.seq.desc()).limit(1)
        async with self._database.read() as connection:
            data: Mapping[str, Any] | None = await connection.scalar(query)
        return data
