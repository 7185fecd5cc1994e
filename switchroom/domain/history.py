"""What is known of one call, folded from its events: the row of the ledger and the heart of the screen pop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from switchroom.domain import events as ev
from switchroom.domain.call import TALKING
from switchroom.domain.contact import VOICE, CustomerTier, Outcome, QueueVisit, Talk, VisitEnding
from switchroom.domain.ids import AgentId, BrandName, ChannelName, ContactId, CustomerId, OfferId, QueueName, TicketId


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInput:
    """What the caller pressed or said, as the flow accepted it."""

    node: str
    kind: ev.InputKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """One contact from its arrival to its disposition. ``offered_at`` to ``ringing_at`` tell of the latest offer."""

    contact_id: ContactId
    entered_at: datetime
    channel: ChannelName = VOICE
    number: str = ""
    caller: str = ""
    brand: BrandName | None = None
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
    visits: Sequence[QueueVisit] = ()
    talks: Sequence[Talk] = ()
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

    @property
    def agents(self) -> frozenset[AgentId]:
        """Who has it, and who talked in it."""
        talked = frozenset(talk.agent_id for talk in self.talks)
        return talked if self.agent_id is None else talked | {self.agent_id}

    @property
    def is_waiting(self) -> bool:
        """In a queue, as far as is known."""
        return bool(self.visits) and self.visits[-1].ending is None


BEGINNINGS = (
    *(ev.ContactEntered, ev.ContactRefused, ev.ContactAdopted, ev.ContactQueued),
    *(ev.ContactConnected, ev.TalkEnded),
)
"""Said by the server that holds the contact, of one that is here: with these a contact may be met that nobody knows.

What else is told of an unknown contact is told late, of one that was deleted: it came no second time.
"""


def fold(record: ContactRecord | None, event: ev.ContactEvent) -> ContactRecord:
    """The record after ``event``. A repetition changes nothing, but for nodes and inputs, which may come again.

    A call may be met in its middle (first seen after a restart): then its record begins there.
    """
    if record is None:
        record = ContactRecord(contact_id=event.contact_id, entered_at=event.at)
    changes = _CHANGES.get(type(event))
    return record if changes is None else replace(record, **changes(record, event))


def _entered(record: ContactRecord, event: ev.ContactEntered) -> dict[str, Any]:
    return {
        "channel": event.channel,
        "number": event.number,
        "caller": event.caller,
        "brand": event.brand,
        "entered_at": min(record.entered_at, event.at),
    }


def _refused(record: ContactRecord, event: ev.ContactRefused) -> dict[str, Any]:
    lost = {"ended_at": event.at, "outcome": Outcome.SYSTEM_FAILED}
    return {"number": event.number, "caller": event.caller, "brand": event.brand, **lost}


def _adopted(record: ContactRecord, event: ev.ContactAdopted) -> dict[str, Any]:
    talking = event.state in TALKING
    began_at = event.answered_at or event.at
    talk = _began(record, event.agent_id, event.offer_id, began_at) if talking and event.agent_id else {}
    return {
        **talk,
        "channel": event.channel,
        "number": event.number,
        "caller": event.caller,
        "brand": event.brand,
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
        "channel": needs.channel,
        "queue": needs.queue,
        "skills": dict(needs.skills),
        "tier": needs.tier,
        "enqueued_at": event.enqueued_at,
        "visits": _visiting(record, needs.queue, event.enqueued_at),
        "collected": {**record.collected, **collected},
        "language": event.collected.get(SPOKEN) or record.language,
    }


def _place_changed(record: ContactRecord, event: ev.PlaceChanged) -> dict[str, Any]:
    needs = event.requirements
    visits = record.visits
    if visits and visits[-1].ending is None and visits[-1].queue != needs.queue:
        ended = replace(visits[-1], ended_at=event.at, ending=VisitEnding.OVERFLOWED)
        visits = (*visits[:-1], ended, QueueVisit(queue=needs.queue, enqueued_at=event.at))
    return {
        "queue": needs.queue,
        "skills": dict(needs.skills),
        "tier": needs.tier,
        "enqueued_at": event.enqueued_at,
        "visits": visits,
    }


def _visiting(record: ContactRecord, queue: QueueName, enqueued_at: datetime) -> Sequence[QueueVisit]:
    """With a visit of this queue; the same one, if the place is only told again.

    Who comes back into an old place, out of a talk, has waited there only since.
    """
    visits = record.visits
    if visits and visits[-1].ending is None and visits[-1].queue == queue:
        return visits
    since = max((enqueued_at, *(talk.ended_at for talk in record.talks if talk.ended_at is not None)))
    return (
        *_visits_ended(record, enqueued_at, VisitEnding.TRANSFERRED),
        QueueVisit(queue=queue, enqueued_at=since),
    )


def _visits_ended(record: ContactRecord, at: datetime, ending: VisitEnding) -> Sequence[QueueVisit]:
    visits = record.visits
    if not visits or visits[-1].ending is not None:
        return visits
    return (*visits[:-1], replace(visits[-1], ended_at=at, ending=ending))


def _connected(record: ContactRecord, event: ev.ContactConnected) -> dict[str, Any]:
    return {
        "agent_id": event.agent_id,
        "answered_at": record.answered_at or event.at,
        **_began(record, event.agent_id, event.offer_id, event.at),
    }


def _began(record: ContactRecord, agent_id: AgentId, offer_id: OfferId | None, at: datetime) -> dict[str, Any]:
    talks = record.talks
    if any(talk.agent_id == agent_id and (talk.offer_id == offer_id or talk.ended_at is None) for talk in talks):
        return {}  # told again: a wait that has begun since goes on
    talk = Talk(agent_id=agent_id, offer_id=offer_id, began_at=at)
    return {"talks": (*talks, talk), "visits": _visits_ended(record, at, VisitEnding.ANSWERED)}


def _talk_ended(record: ContactRecord, event: ev.TalkEnded) -> dict[str, Any]:
    """A talk of which only the end was heard is taken up whole, as the answer to the wait before it."""
    ended = Talk(agent_id=event.agent_id, offer_id=event.offer_id, began_at=event.began_at, ended_at=event.at)
    others = [talk for talk in record.talks if talk.offer_id != event.offer_id]
    known = next((talk for talk in record.talks if talk.offer_id == event.offer_id), ended)
    if known.ended_at is None:
        ended = replace(known, ended_at=event.at)
    elif known is not ended:
        return {}
    is_answer = known is ended and record.visits and record.visits[-1].enqueued_at <= event.began_at
    return {
        "visits": _visits_ended(record, event.began_at, VisitEnding.ANSWERED) if is_answer else record.visits,
        "talks": tuple(sorted((*others, ended), key=lambda talk: talk.began_at)),
        "answered_at": record.answered_at or event.began_at,
        "agent_id": record.agent_id or event.agent_id,
    }


def _node(record: ContactRecord, event: ev.NodeVisited) -> dict[str, Any]:
    return {"path": (*record.path, event.node)}


def _input(record: ContactRecord, event: ev.InputTaken) -> dict[str, Any]:
    if not event.value:
        return {}  # erased
    return {"inputs": (*record.inputs, TakenInput(node=event.node, kind=event.kind, value=event.value))}


def _ended(record: ContactRecord, event: ev.ContactEnded) -> dict[str, Any]:
    # Exactly one outcome: the first one told stays.
    if record.outcome is not None:
        return {}
    return {
        "ended_at": event.at,
        "outcome": event.outcome,
        "agent_id": event.agent_id or record.agent_id,
        "visits": _visits_ended(record, event.at, _ENDINGS.get(event.outcome, VisitEnding.ABANDONED)),
        "talks": tuple(talk if talk.ended_at else replace(talk, ended_at=event.at) for talk in record.talks),
    }


_ENDINGS: Mapping[Outcome, VisitEnding] = {
    Outcome.OVERFLOWED: VisitEnding.OVERFLOWED,
    Outcome.CALLBACK: VisitEnding.CALLBACK,
    Outcome.SYSTEM_FAILED: VisitEnding.SYSTEM_FAILED,
    Outcome.CONNECTED: VisitEnding.ANSWERED,
}
"""How the visit ends with which the contact ends; otherwise the customer gave up."""


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
    ev.ContactConnected: _connected,
    ev.AgentJoined: lambda r, e: _began(r, e.agent_id, e.offer_id, e.at),
    ev.TalkEnded: _talk_ended,
    ev.ContactEnded: _ended,
    ev.TicketJoined: lambda _, e: {"ticket_id": e.ticket_id},
    ev.TicketOpened: lambda _, e: {"ticket_id": e.ticket_id},
    ev.TicketClosed: lambda _, e: {"disposition": e.disposition},
}
