"""The bodies, queries and answers that are not domain values already. What is sent in is checked, field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from cti_bridge.api.ports import RequestedState
from switchroom.domain.customer import Customer, Order
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import AgentId, ContactId, CustomerId
from switchroom.domain.ticket import TicketState
from switchroom.domain.views import AgentView
from switchroom.storage.accounts import Role
from switchroom.storage.event_log import LoggedEvent

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Limit = Annotated[int, Field(ge=1, le=200)]


def _storable(value: Any) -> Any:
    """Refuse U+0000: PostgreSQL's text cannot hold it."""
    if isinstance(value, dict) and any("\0" in text for text in value.values() if isinstance(text, str)):
        raise ValueError("text may not contain U+0000")
    return value


def _in_utc(time: datetime) -> datetime:
    """In UTC, as it is stored; at both ends of the calendar not every zone's time has one there."""
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is outside of the calendar") from None


class In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    _refuse_nul = model_validator(mode="before")(_storable)


class Login(In):
    login: str = Field(min_length=1, max_length=80)
    password: str = Field(min_length=1, max_length=200)


class StateRequest(In):
    """``reason`` is why the agent pauses."""

    state: RequestedState
    reason: Word | None = None


class TicketChange(In):
    """Closing needs a disposition."""

    state: TicketState | None = None
    disposition: Word | None = None
    note: str | None = Field(None, max_length=10_000)


class ContactsQuery(In):
    """``before`` (an ``entered_at``) turns the page; ``live`` leaves out what is over."""

    agent_id: AgentId | None = None
    live: bool = False
    before: Annotated[AwareDatetime, AfterValidator(_in_utc)] | None = None
    limit: Limit = 50


class CustomersQuery(In):
    phone: str = Field(min_length=1, max_length=40)


class TicketsQuery(In):
    agent_id: AgentId | None = None
    customer_id: CustomerId | None = Field(None, min_length=1, max_length=200)
    state: TicketState | None = None
    limit: Limit = 50


class EventsQuery(In):
    """``last`` is the id of the last message that was seen."""

    last: str | None = Field(None, pattern=r"^\d{1,18}(-[0-9a-f]{8}-\d{1,18})?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is logged in, and the words that their desktop offers. ``csrf`` goes into the header of every change."""

    login: str
    role: Role
    agent: AgentView | None
    csrf: str | None
    dispositions: Sequence[str]
    pause_reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAnswer(ContactRecord):
    """A call with the id under which its recording is played."""

    recording_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingAnswer:
    id: str
    agent_id: AgentId
    seconds: float
    left_rms: float
    right_rms: float
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactStory:
    """A contact, everything that happened to it, and its recordings."""

    contact: ContactAnswer
    events: Sequence[LoggedEvent]
    recordings: Sequence[RecordingAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The router's decisions about one call, oldest first, each with candidates, exclusions and scores."""

    contact_id: ContactId
    decisions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAnswer:
    customer: Customer
    orders: Sequence[Order]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing in a customer's life with us: a call, a ticket or an order."""

    at: datetime
    kind: Literal["call", "ticket", "order"]
    title: str
    state: str | None
    contact_id: ContactId | None = None
    agent_id: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    ready: bool
    checks: Mapping[str, CheckResult]
