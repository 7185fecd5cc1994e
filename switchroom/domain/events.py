"""Everything that happens, in the past tense. These travel on the bus and are kept in the event log.

Each event is frozen, carries its UTC time, and names the call or agent that it is about. ``to_record``
gives the JSON form in which the ledger and the WebSocket carry it.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome, Requirements, Waiting
from switchroom.domain.ids import AgentId, ContactId, CustomerId, OfferId, QueueName, TicketId


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at ``at`` (aware, UTC)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEvent(Event):
    """Something that happened to one call."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEntered(ContactEvent):
    """A customer's INVITE was accepted. Both numbers are digits with an optional leading ``+``, else empty."""

    number: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAdopted(ContactEvent):
    """A call was found live in the softswitch after a restart or a lost connection, and goes on from ``state``."""

    number: str
    caller: str
    entered_at: datetime
    state: CallState
    agent_id: AgentId | None = None
    waiting: Waiting | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRefused(ContactEvent):
    """A call was told "busy", because as many as fit were here: it is over, and lost."""

    number: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentified(ContactEvent):
    """The caller's number was looked up. ``customer_id`` is None for a stranger."""

    customer_id: CustomerId | None
    tier: CustomerTier = CustomerTier.STANDARD
    name: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStarted(ContactEvent):
    """A menu took the call, pinned to the version that was current."""

    flow: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeVisited(ContactEvent):
    """The caller reached a node of the flow."""

    node: str


class InputKind(StrEnum):
    DTMF = "dtmf"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTaken(ContactEvent):
    """The caller pressed or said something that the flow accepted. ``value`` is masked for secret nodes."""

    node: str
    kind: InputKind
    value: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactQueued(ContactEvent):
    """The call joined (or rejoined) the line. ``collected`` is what the menu learned, for the agent to see."""

    requirements: Requirements
    enqueued_at: datetime
    collected: Mapping[str, str] = field(default_factory=dict)


class PlaceChange(StrEnum):
    """Why a waiting contact's requirements changed."""

    TIER_LEARNED = "tier_learned"
    NOBODY_ON_DUTY = "nobody_on_duty"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceChanged(ContactEvent):
    """A waiting contact has other requirements now; ``enqueued_at`` is the time since which it has been waiting."""

    requirements: Requirements
    enqueued_at: datetime
    why: PlaceChange


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyOnDuty(ContactEvent):
    """No agent who is logged in may ever serve this waiting contact; at ``until`` it goes to the fallback queue."""

    queue: QueueName
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMade(ContactEvent):
    """An agent is reserved for the call; the pop goes out now, then the phone rings."""

    offer_id: OfferId
    agent_id: AgentId
    queue: QueueName
    ring_timeout_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPopSent(ContactEvent):
    """The customer's record was delivered to the agent's desktop(s); ``screens`` counts them."""

    offer_id: OfferId
    agent_id: AgentId
    screens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPopShown(ContactEvent):
    """The desktop reported that the record is drawn on the agent's screen."""

    offer_id: OfferId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRang(ContactEvent):
    """The agent's phone said 180 Ringing."""

    agent_id: AgentId


class OfferFailure(StrEnum):
    """Why an offer came to nothing."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_LEFT = "caller_left"
    SWITCH_FAILED = "switch_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFailed(ContactEvent):
    """The agent did not take the call. Unless the caller left, the caller waits again, with its place."""

    agent_id: AgentId
    failure: OfferFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactConnected(ContactEvent):
    """Agent and caller talk."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEnded(ContactEvent):
    """The call is over, in exactly one of the outcomes. ``agent_id`` is the one who talked, if one did."""

    outcome: Outcome
    agent_id: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReady(ContactEvent):
    """A recording is finished and indexed. ``path`` is relative to the recordings folder; levels are RMS, 0 to 1."""

    agent_id: AgentId
    path: str
    seconds: float
    left_rms: float
    right_rms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOpened(ContactEvent):
    ticket_id: TicketId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketClosed(ContactEvent):
    ticket_id: TicketId
    disposition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade(ContactEvent):
    """The router decided; ``decision`` is its JSON form with candidates, exclusions and scores."""

    decision: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchLost(Event):
    """The softswitch cannot be steered now; calls go on in it. Nothing is offered until `Reconciled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Event):
    """Our state is that of the softswitch again. Whatever refers to a call not in ``live`` is over.

    ``talking`` maps each agent who talks to their call: nobody else does.
    """

    live: frozenset[ContactId]
    talking: Mapping[AgentId, ContactId] = field(default_factory=dict)


class AgentState(StrEnum):
    LOGGED_OUT = "logged_out"
    AVAILABLE = "available"
    RESERVED = "reserved"
    BUSY = "busy"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateChanged(Event):
    """An agent moved to ``state``; ``reason`` is the pause reason, ``until`` the end of a timed state.

    ``queue`` is where the present call waited, ``requested`` the state (with its reason) that follows the call.
    """

    agent_id: AgentId
    state: AgentState
    reason: str | None = None
    contact_id: ContactId | None = None
    until: datetime | None = None
    queue: QueueName | None = None
    requested: AgentState | None = None
    requested_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChanged(Event):
    """An agent's softphone registered, or went away."""

    agent_id: AgentId
    registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopOpened(Event):
    """An agent who had no desktop connected has one."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopClosed(Event):
    """The last connection of an agent's desktops ended."""

    agent_id: AgentId


def type_name(event: type[Event] | Event) -> str:
    """The CloudEvents type name.

    >>> type_name(ContactQueued)
    'switchroom.contact.queued'
    >>> type_name(AgentStateChanged)
    'switchroom.agent.state.changed'
    """
    name = event.__name__ if isinstance(event, type) else type(event).__name__
    return "switchroom." + re.sub(r"(?<=[a-z])(?=[A-Z])", ".", name).lower()


def to_record(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values (times in RFC 3339, nested values as objects)."""
    return {f.name: _plain(getattr(event, f.name)) for f in dataclasses.fields(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(v) for v in value]
    return value
