"""Writes a batch of events, in one transaction: the log, and the tables that are read from it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome
from switchroom.domain.history import ContactRecord, fold
from switchroom.storage import contacts
from switchroom.storage.database import upsert
from switchroom.storage.tables import agent_presence, decisions, events, recordings
from switchroom.storage.tables import contacts as contacts_table
from switchroom.wire import to_record, type_name


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the log."""

    seq: int
    event: ev.Event


async def store(connection: AsyncConnection, batch: Sequence[Recorded], *, again: bool) -> None:
    """Write ``batch``. With ``again`` an earlier try may have been committed unseen: what is there is left out."""
    if again:
        seqs = [recorded.seq for recorded in batch]
        known = set(await connection.scalars(select(events.c.seq).where(events.c.seq.in_(seqs))))
        batch = [recorded for recorded in batch if recorded.seq not in known]
    # Every minute, and with every live call in it: what it changes is folded below.
    told = [recorded for recorded in batch if not isinstance(recorded.event, ev.Reconciled)]
    await upsert(connection, events, [_log_row(recorded) for recorded in told], update=False)
    await upsert(connection, contacts_table, [contacts.to_row(r) for r in await _fold(connection, batch)])
    await upsert(connection, decisions, _decision_rows(batch), update=False)
    await upsert(connection, recordings, _recording_rows(batch))
    await upsert(connection, agent_presence, _presence_rows(batch))


async def _fold(connection: AsyncConnection, batch: Sequence[Recorded]) -> Sequence[ContactRecord]:
    contact_ids = {r.event.contact_id for r in batch if isinstance(r.event, ev.ContactEvent)}
    records = await contacts.load(connection, contact_ids) if contact_ids else {}
    for recorded in batch:
        event = recorded.event
        if isinstance(event, ev.ContactEvent):
            records[event.contact_id] = fold(records.get(event.contact_id), event)
        elif isinstance(event, ev.Reconciled):
            lost = await contacts.load_open(connection, event.live | records.keys())
            records |= {
                **lost,
                **{contact_id: _lost(record, event) for contact_id, record in {**lost, **records}.items()},
            }
    return list(records.values())


def _lost(record: ContactRecord, event: ev.Reconciled) -> ContactRecord:
    """A call that ended while nobody looked, with the outcome that can still be told; others as they are."""
    if record.outcome is not None or record.contact_id in event.live:
        return record
    outcome = Outcome.CONNECTED if record.answered_at else Outcome.ABANDONED
    return fold(record, ev.ContactEnded(at=event.at, contact_id=record.contact_id, outcome=outcome))


def _log_row(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    return {
        "seq": recorded.seq,
        "type": type_name(event),
        "at": event.at,
        "contact_id": getattr(event, "contact_id", None),
        "agent_id": getattr(event, "agent_id", None),
        "data": to_record(event),
    }


def _decision_rows(batch: Sequence[Recorded]) -> list[dict[str, Any]]:
    return [
        {
            "seq": recorded.seq,
            "contact_id": recorded.event.contact_id,
            "at": recorded.event.at,
            "decision": to_record(recorded.event)["decision"],
        }
        for recorded in batch
        if isinstance(recorded.event, ev.DecisionMade)
    ]


def _recording_rows(batch: Sequence[Recorded]) -> list[dict[str, Any]]:
    found = {}
    for recorded in batch:
        event = recorded.event
        if isinstance(event, ev.RecordingReady):
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


def _presence_rows(batch: Sequence[Recorded]) -> list[dict[str, Any]]:
    latest = {r.event.agent_id: r.event for r in batch if isinstance(r.event, ev.AgentStateChanged)}
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
        }
        for event in latest.values()
    ]
