"""Why an agent, or why nobody: the reasons of past decisions, made from the event log when somebody asks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, true

from acd.config import AcdConfig
from acd.core.rules.skill_levels import together
from acd.explain import AgentThen, WaitedThen, decision, reasons
from acd.offers import BLAMED
from switchroom.domain.contact import Requirements
from switchroom.domain.events import (
    AgentState,
    AgentStateChanged,
    ContactQueued,
    DeskChanged,
    Event,
    OfferFailed,
    OfferMade,
    PlaceChanged,
)
from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.storage.contacts import from_row
from switchroom.storage.database import Database
from switchroom.storage.event_log import logged, of_contact
from switchroom.storage.tables import contacts, events
from switchroom.wire import type_name

COUNTED_LINE = 500
"""Of a longer line it is not counted whom a head-start has passed."""

LONGEST_CALL = timedelta(hours=12)
"""Nobody who waits has entered earlier."""

_TOLD = (ContactQueued, PlaceChanged, OfferMade, OfferFailed)


class Why:
    """Reads the log. Skills are those of ``config``: what they were then is not in the log."""

    def __init__(self, database: Database, config: AcdConfig) -> None:
        self._database, self._config = database, config

    async def decisions(self, contact_id: ContactId) -> Sequence[Mapping[str, Any]]:
        """The decisions about a contact with their reasons, oldest first: each offer, and each wait for an agent."""
        names = [type_name(kind) for kind in _TOLD]
        query = of_contact(contact_id).where(events.c.type.in_(names))
        async with self._database.read() as connection:
            told = [(row.seq, logged(row).event()) for row in await connection.execute(query)]
        found: list[Mapping[str, Any]] = []
        place: ContactQueued | PlaceChanged | None = None
        for seq, event in told:
            if isinstance(event, ContactQueued | PlaceChanged):
                place = event
            if place is None:
                continue
            if isinstance(event, OfferMade):
                found.append(await self._offer(seq, event, place))
            elif (waits := await self._wait(seq, event, place)) is not None:
                found.append(waits)
        return found

    async def _offer(self, seq: int, offer: OfferMade, place: ContactQueued | PlaceChanged) -> Mapping[str, Any]:
        made = decision(
            self._requirements(place),
            enqueued_at=place.enqueued_at,
            at=offer.at,
            head_start_s=offer.head_start_s,
            agent_id=offer.agent_id,
            offer_id=offer.offer_id,
        )
        line = await self._line(offer.contact_id, seq, made) if offer.head_start_s else []
        return reasons(made, await self._agents(seq, offer.contact_id), line)

    async def _wait(self, seq: int, event: Event, place: ContactQueued | PlaceChanged) -> Mapping[str, Any] | None:
        """The decision that nobody could take the contact when it came, or came back; None if somebody could."""
        if isinstance(event, OfferFailed):
            if event.failure not in BLAMED:
                return None  # the caller left, or the same two are tried again
            seq = await self._blamed(event, seq)
        requirements = self._requirements(place)
        head_start = self._config.head_start.get(requirements.tier, timedelta())
        waits = decision(
            requirements, enqueued_at=place.enqueued_at, at=event.at, head_start_s=head_start.total_seconds()
        )
        found = reasons(waits, await self._agents(seq))
        return found if not found["candidates"] else None

    async def _blamed(self, failed: OfferFailed, seq: int) -> int:
        """Just after the agent of an offer that failed is no longer reserved."""
        changed = (events.c.agent_id == failed.agent_id) & (events.c.type == type_name(AgentStateChanged))
        query = select(events.c.seq).where(changed, events.c.seq > seq).order_by(events.c.seq).limit(1)
        async with self._database.read() as connection:
            return (await connection.scalar(query) or seq) + 1

    async def _agents(self, seq: int, reserved_for: ContactId | None = None) -> list[AgentThen]:
        """All agents as they were before this event, and before one was reserved for that contact."""
        agents = []
        free = or_(events.c.contact_id.is_(None), events.c.contact_id != reserved_for) if reserved_for else true()
        for agent_id, agent in self._config.agents.items():
            state = await self._last((events.c.agent_id == agent_id) & free, seq, AgentStateChanged)
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
            select(contacts)
            .where(contacts.c.entered_at > came - LONGEST_CALL, contacts.c.entered_at <= came)
            .where(contacts.c.enqueued_at < came)
            .where(contacts.c.enqueued_at > came - timedelta(seconds=decision["head_start_s"]))
            .where(contacts.c.contact_id != contact_id)
            .where((contacts.c.ended_at.is_(None)) | (contacts.c.ended_at > at))
            .limit(COUNTED_LINE + 1)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        if len(rows) > COUNTED_LINE:
            return None
        line = []
        for other in map(from_row, rows):
            waited = any(v.enqueued_at <= at and (v.ended_at is None or v.ended_at > at) for v in other.visits)
            queued = await self._last(events.c.contact_id == other.contact_id, seq, ContactQueued, PlaceChanged)
            if waited and queued is not None and other.enqueued_at is not None:
                needs = queued["requirements"]
                line.append(WaitedThen(other.enqueued_at, self._required(QueueName(needs["queue"]), needs["skills"])))
        return line

    def _requirements(self, place: ContactQueued | PlaceChanged) -> Requirements:
        """With the queue's own; of a queue that is not there, the fallback's."""
        needs = place.requirements
        queue = needs.queue if needs.queue in self._config.queues else self._config.fallback
        return replace(needs, queue=queue, skills=self._required(queue, needs.skills))

    def _required(self, name: QueueName, skills: Mapping[str, int]) -> Mapping[str, int]:
        queue = self._config.queues.get(name, self._config.queues[self._config.fallback])
        return together(skills, queue.skills)

    async def _last(self, whose: Any, seq: int, *kinds: type) -> Mapping[str, Any] | None:
        """The data of the last event of these kinds before this one."""
        names = [type_name(kind) for kind in kinds]
        before = whose & (events.c.seq < seq) & events.c.type.in_(names)
        query = select(events.c.data).where(before).order_by(events.c.seq.desc()).limit(1)
        async with self._database.read() as connection:
            data: Mapping[str, Any] | None = await connection.scalar(query)
        return data
