"""The tables that are read from the log: contacts, recordings, agents' presence, the days' visits.

Live and rebuilt by the same code.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain import events as ev
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import ContactId
from switchroom.storage import contacts
from switchroom.storage.database import upsert
from switchroom.storage.event_log import Recorded, Span, Writer, append, find, lock
from switchroom.storage.owing import settle
from switchroom.storage.tables import agent_presence, contact_agents, recordings
from switchroom.storage.tables import contacts as contacts_table
from switchroom.storage.visit_days import VisitCounts


@dataclass(frozen=True, slots=True)
class Fact:
    """An event and the server that wrote it."""

    server: str
    event: ev.Event


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a batch is in the log, and whether something may be owed to another system by it."""

    span: Span
    owes: bool


async def store(
    connection: AsyncConnection,
    writer: Writer,
    batch: Sequence[Recorded],
    *,
    again_after: int | None = None,
    zone: tzinfo = UTC,
) -> Stored:
    """Write ``batch`` into the log, and what it changes into the tables, in one transaction.

    ``again_after`` is given when an earlier try may have been committed unseen: the newest number of the log before
    that try. What is there is not written twice. ``zone`` is that of the business's days.
    """
    head = await lock(connection)
    if again_after is not None:
        numbers = Span(batch[0].number, batch[-1].number)
        if (found := await find(connection, writer, numbers, after_seq=again_after)) is not None:
            return Stored(found, owes=True)  # perhaps
    # The whole picture of a channel is not kept: it comes every minute and names every live contact.
    facts = [recorded for recorded in batch if not isinstance(recorded.event, ev.Reconciled)]
    told = [Fact(writer.server, recorded.event) for recorded in facts]
    records = await project(connection, told, VisitCounts(zone))
    owes = await settle(connection, [recorded.event for recorded in facts], records)
    return Stored(await append(connection, writer, facts, head=head), owes)


async def project(
    connection: AsyncConnection, facts: Sequence[Fact], visits: VisitCounts, *, but: Collection[ContactId] = ()
) -> Sequence[ContactRecord]:
    """Change the tables by ``facts``, in their order; the contacts ``but`` for those, which are returned as changed."""
    changed = await project_contacts(connection, facts, visits, but=but)
    await upsert(connection, recordings, _recording_rows(facts))
    await upsert(connection, agent_presence, _presence_rows(facts))
    return changed


async def project_contacts(
    connection: AsyncConnection,
    facts: Sequence[Fact],
    visits: VisitCounts | None = None,
    *,
    but: Collection[ContactId] = (),
) -> Sequence[ContactRecord]:
    """Change the contacts by ``facts``, ``but`` for those; returns them as they are then.

    ``visits`` counts the waits that ended; without it they were counted before.
    """
    told = [
        (fact.server, fact.event)
        for fact in facts
        if isinstance(fact.event, ev.ContactEvent) and fact.event.contact_id not in but
    ]
    before = await contacts.load(connection, {event.contact_id for _, event in told})
    found = dict(before)
    for server, event in told:
        if (owned := contacts.after(found.get(event.contact_id), event, server)) is not None:
            found[event.contact_id] = owned
    if visits is not None:
        await visits.count(connection, [(_record(before.get(key)), one.record) for key, one in found.items()])
    await upsert(connection, contacts_table, [contacts.to_row(one.record, one.server) for one in found.values()])
    await _project_agents(connection, [(_record(before.get(key)), one.record) for key, one in found.items()])
    return [one.record for one in found.values()]


async def _project_agents(
    connection: AsyncConnection, changes: Iterable[tuple[ContactRecord | None, ContactRecord]]
) -> None:
    """Who has each contact: an agent who was offered it in vain has it no longer."""
    rows = []
    for before, record in changes:
        had, have = before.agents if before is not None else frozenset(), record.agents
        rows += [
            {"agent_id": agent_id, "contact_id": record.contact_id, "entered_at": record.entered_at}
            for agent_id in have - had
        ]
        for agent_id in had - have:
            its = (contact_agents.c.contact_id == record.contact_id) & (contact_agents.c.agent_id == agent_id)
            await connection.execute(delete(contact_agents).where(its))
    await upsert(connection, contact_agents, rows, update=False)


def _record(owned: contacts.Owned | None) -> ContactRecord | None:
    return None if owned is None else owned.record


def _recording_rows(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    found = {}
    for fact in facts:
        event = fact.event
        if isinstance(event, ev.RecordingReady) and event.path:  # without one the audio is deleted
            # The id follows from the path: a recording that is announced again after a restart keeps its id.
            recording_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{event.contact_id}/{event.path}").hex
            found[recording_id] = {
                "id": recording_id,
                "contact_id": event.contact_id,
                "agent_id": event.agent_id,
                "path": event.path,
                "seconds": event.seconds,
                "left_rms": event.left_rms,
                "right_rms": event.right_rms,
                "created_at": event.at,
            }
    return list(found.values())


def _presence_rows(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    latest = {
        fact.event.agent_id: (fact.server, fact.event) for fact in facts if isinstance(fact.event, ev.AgentStateChanged)
    }
    return [
        {
            "agent_id": event.agent_id,
            "state": event.state,
            "reason": event.reason,
            "contact_id": event.contact_id,
            "since": event.at,
            "until": event.until,
            "queue": event.queue,
            "requested": event.requested,
            "requested_reason": event.requested_reason,
            "server": server,
        }
        for server, event in latest.values()
    ]
