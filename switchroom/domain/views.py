"""What boards and desktops are shown of agents and queues: plain values, ready for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from switchroom.domain.contact import Tier
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, CallId, QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """One agent as seen from outside; ``until`` is the end of a timed state (wrap-up)."""

    id: AgentId
    name: str
    state: AgentState
    reason: str | None
    since: datetime
    until: datetime | None
    call_id: CallId | None
    skills: Mapping[str, int]
    queues: tuple[QueueName, ...]
    phone_registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingView:
    """One waiting contact."""

    call_id: CallId
    tier: Tier
    enqueued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """One queue: who waits, in the order in which they will be served, and who could serve."""

    name: QueueName
    title: Mapping[str, str]
    waiting: tuple[WaitingView, ...]
    agents_available: int
    agents_logged_in: int
