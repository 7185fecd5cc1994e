"""Why an agent, or why nobody: the reasons of past decisions, made from the event log when somebody asks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.config import AcdConfig
from acd.core.offers import BLAMED
from acd.core.rules.skill_levels import together
from acd.explain import AgentThen, WaitedThen, decision, reasons
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
from switchroom.storage.database import Database, batched
from switchroom.storage.event_log import logged, of_contact
from switchroom.storage.tables import agent_presence, contacts, events
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
        found: list[Mapping[str, Any]] = []
        place: ContactQueued | PlaceChanged | None = None
        async with self._database.read() as connection:
            told = [
                (_Moment(connection, row.server, row.seq), logged(row).event())
                for row in await connection.execute(query)
            ]
            for moment, event in told:
                if isinstance(event, ContactQueued | PlaceChanged):
                    place = event
                if place is None:
                    continue
                if isinstance(event, OfferMade):
                    found.append(await self._offer(moment, event, place))
                elif (waits := await self._wait(moment, event, place)) is not None:
                    found.append(waits)
        return found

    async def _offer(
        self, moment: "_Moment", offer: OfferMade, place: ContactQueued | PlaceChanged
    ) -> Mapping[str, Any]:
        made = decision(
            self._requirements(place),
            enqueued_at=place.enqueued_at,
            at=offer.at,
            head_start_s=offer.head_start_s,
            agent_id=offer.agent_id,
            offer_id=offer.offer_id,
        )
        line = await self._line(offer.contact_id, moment, made) if offer.head_start_s else []
        return reasons(made, await self._agents(moment, offer.contact_id), line)

    async def _wait(
        self, moment: "_Moment", event: Event, place: ContactQueued | PlaceChanged
    ) -> Mapping[str, Any] | None:
        """The decision that nobody could take the contact when it came, or came back; None if somebody could."""
        if isinstance(event, OfferFailed):
            if event.failure not in BLAMED:
                return None  # the caller left, or the same two are tried again
            moment = await moment.after(event.agent_id, AgentStateChanged)
        requirements = self._requirements(place)
        head_start = self._config.head_start.get(requirements.tier, timedelta())
        waits = decision(
            requirements, enqueued_at=place.enqueued_at, at=event.at, head_start_s=head_start.total_seconds()
        )
        found = reasons(waits, await self._agents(moment))
        return found if not found["candidates"] else None

    async def _agents(self, moment: "_Moment", reserved_for: ContactId | None = None) -> list[AgentThen]:
        """All agents as they were then, and before one was reserved for that contact."""
        free = or_(events.c.contact_id.is_(None), events.c.contact_id != reserved_for) if reserved_for else true()
        states = await moment.last(agent_presence.c.agent_id, self._config.agents, AgentStateChanged, where=free)
        desks = await moment.last(agent_presence.c.agent_id, self._config.agents, DeskChanged)
        agents = []
        for agent_id, agent in self._config.agents.items():
            state, desk = states.get(agent_id), desks.get(agent_id)
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

    async def _line(
        self, contact_id: ContactId, moment: "_Moment", decision: Mapping[str, Any]
    ) -> list[WaitedThen] | None:
        """Who had come earlier, by no more than the head-start, and still waited; None if they are many."""
        at, came = datetime.fromisoformat(decision["at"]), datetime.fromisoformat(decision["enqueued_at"])
        query = (
            select(contacts)
            .where(contacts.c.server == moment.server)
            .where(contacts.c.entered_at > came - LONGEST_CALL, contacts.c.entered_at <= came)
            .where(contacts.c.enqueued_at < came)
            .where(contacts.c.enqueued_at > came - timedelta(seconds=decision["head_start_s"]))
            .where(contacts.c.contact_id != contact_id)
            .where((contacts.c.ended_at.is_(None)) | (contacts.c.ended_at > at))
            .limit(COUNTED_LINE + 1)
        )
        rows = (await moment.connection.execute(query)).all()
        if len(rows) > COUNTED_LINE:
            return None
        others = list(map(from_row, rows))
        places = await moment.last(
            contacts.c.contact_id, [other.contact_id for other in others], ContactQueued, PlaceChanged
        )
        line = []
        for other in others:
            waited = any(v.enqueued_at <= at and (v.ended_at is None or v.ended_at > at) for v in other.visits)
            queued = places.get(other.contact_id)
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


@dataclass(frozen=True, slots=True)
class _Moment:
    """Just before an event of a server's: each server has a line, and a picture of the agents, of its own."""

    connection: AsyncConnection
    server: str
    seq: int

    async def last(
        self, known: Column[str], keys: Collection[str], *kinds: type, where: ColumnElement[bool] | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """The data of the last event of these kinds for each of ``keys``, by one query for each thousand of them;
        ``known`` is where the database has them, each once."""
        found: dict[str, Mapping[str, Any]] = {}
        before = self._of(*kinds) & (events.c.seq < self.seq) & (true() if where is None else where)
        last = (
            select(events.c.data)
            .where(events.c[known.name] == known, before)
            .order_by(events.c.seq.desc())
            .limit(1)
            .correlate(known.table)
            .scalar_subquery()
        )
        for some in batched(keys):
            rows = await self.connection.execute(select(known, last.label("data")).where(known.in_(some)))
            found |= {key: data for key, data in rows if data is not None}
        return found

    async def after(self, agent_id: AgentId, kind: type) -> "_Moment":
        """Just after the next event of this kind about the agent."""
        later = self._of(kind) & (events.c.agent_id == agent_id) & (events.c.seq > self.seq)
        seq = await self.connection.scalar(select(events.c.seq).where(later).order_by(events.c.seq).limit(1))
        return _Moment(self.connection, self.server, (seq or self.seq) + 1)

    def _of(self, *kinds: type) -> ColumnElement[bool]:
        return (events.c.server == self.server) & events.c.type.in_([type_name(kind) for kind in kinds])
