"""What is known of one call, folded from its events: the row of the ledger and the heart of the screen pop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome
from switchroom.domain.ids import AgentId, ContactId, CustomerId, QueueName, TicketId


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInput:
    """What the caller pressed or said, as the flow accepted it."""

    node: str
    kind: ev.InputKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """One call from the INVITE to its disposition. ``offered_at`` to ``ringing_at`` tell of the latest offer."""

    contact_id: ContactId
    entered_at: datetime
    number: str = ""
    caller: str = ""
    customer_id: CustomerId | None = None
    tier: CustomerTier = CustomerTier.STANDARD
    language: str | None = None
    flow: str | None = None
    flow_version: str | None = None
    path: Sequence[str] = ()
    inputs: Sequence[TakenInput] = ()
    collected: Mapping[str, str] = field(default_factory=dict)
    queue: QueueName | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    agent_id: AgentId | None = None
    enqueued_at: datetime | None = None
    offered_at: datetime | None = None
    popped_at: datetime | None = None
    shown_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    ticket_id: TicketId | None = None
    disposition: str | None = None


def fold(record: ContactRecord | None, event: ev.ContactEvent) -> ContactRecord:
    """The record after ``event``. A repetition changes nothing, but for nodes and inputs, which may come again.

    A call may be met in its middle (first seen after a restart): then its record begins there.
    """
    if record is None:
        record = ContactRecord(contact_id=event.contact_id, entered_at=event.at)
    changes = _CHANGES.get(type(event))
    return record if changes is None else replace(record, **changes(record, event))


def _entered(record: ContactRecord, event: ev.ContactEntered) -> dict[str, Any]:
    return {"number": event.number, "caller": event.caller, "entered_at": min(record.entered_at, event.at)}


def _refused(record: ContactRecord, event: ev.ContactRefused) -> dict[str, Any]:
    lost = {"ended_at": event.at, "outcome": Outcome.SYSTEM_FAILED}
    return {"number": event.number, "caller": event.caller, **lost}


def _adopted(record: ContactRecord, event: ev.ContactAdopted) -> dict[str, Any]:
    talking = event.state is CallState.CONNECTED
    return {
        "number": event.number,
        "caller": event.caller,
        "entered_at": min(record.entered_at, event.entered_at),
        "agent_id": event.agent_id or record.agent_id,
        "answered_at": record.answered_at or ((event.answered_at or event.at) if talking else None),
    }


def _identified(record: ContactRecord, event: ev.CustomerIdentified) -> dict[str, Any]:
    # Looked up again after a restart: what the menu has decided meanwhile stays.
    return {
        "customer_id": event.customer_id or record.customer_id,
        "tier": record.tier if record.queue else event.tier,
        "language": record.language or event.language,
    }


SPOKEN = "language"
"""The collected value that tells which language the caller chose in the menu."""


def _queued(record: ContactRecord, event: ev.ContactQueued) -> dict[str, Any]:
    needs = event.requirements
    collected = {name: value for name, value in event.collected.items() if name != SPOKEN}
    return {
        "queue": needs.queue,
        "skills": dict(needs.skills),
        "tier": needs.tier,
        "enqueued_at": event.enqueued_at,
        "collected": {**record.collected, **collected},
        "language": event.collected.get(SPOKEN) or record.language,
    }


def _place_changed(record: ContactRecord, event: ev.PlaceChanged) -> dict[str, Any]:
    needs = event.requirements
    return {"queue": needs.queue, "skills": dict(needs.skills), "tier": needs.tier, "enqueued_at": event.enqueued_at}


def _node(record: ContactRecord, event: ev.NodeVisited) -> dict[str, Any]:
    return {"path": (*record.path, event.node)}


def _input(record: ContactRecord, event: ev.InputTaken) -> dict[str, Any]:
    return {"inputs": (*record.inputs, TakenInput(node=event.node, kind=event.kind, value=event.value))}


def _ended(record: ContactRecord, event: ev.ContactEnded) -> dict[str, Any]:
    # Exactly one outcome: the first one told stays.
    if record.outcome is not None:
        return {}
    return {"ended_at": event.at, "outcome": event.outcome, "agent_id": event.agent_id or record.agent_id}


_NO_OFFER = {"offered_at": None, "popped_at": None, "shown_at": None, "ringing_at": None}

_CHANGES: Mapping[type[ev.ContactEvent], Callable[[ContactRecord, Any], dict[str, Any]]] = {
    ev.ContactEntered: _entered,
    ev.ContactRefused: _refused,
    ev.ContactAdopted: _adopted,
    ev.CustomerIdentified: _identified,
    ev.FlowStarted: lambda _, e: {"flow": e.flow, "flow_version": e.version},
    ev.NodeVisited: _node,
    ev.InputTaken: _input,
    ev.ContactQueued: _queued,
    ev.PlaceChanged: _place_changed,
    ev.OfferMade: lambda _, e: {**_NO_OFFER, "agent_id": e.agent_id, "queue": e.queue, "offered_at": e.at},
    ev.ScreenPopSent: lambda _, e: {"popped_at": e.at},
    ev.ScreenPopShown: lambda _, e: {"shown_at": e.at},
    ev.AgentRang: lambda r, e: {"ringing_at": r.ringing_at or e.at},
    ev.OfferFailed: lambda _, e: {**_NO_OFFER, "agent_id": None},
    ev.ContactConnected: lambda r, e: {"agent_id": e.agent_id, "answered_at": r.answered_at or e.at},
    ev.ContactEnded: _ended,
    ev.TicketOpened: lambda _, e: {"ticket_id": e.ticket_id},
    ev.TicketClosed: lambda _, e: {"disposition": e.disposition},
}
