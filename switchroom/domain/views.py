"""What boards and desktops are shown of agents and queues: plain values, ready for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, BrandName, ContactId, Extension, QueueName, TeamName


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """One agent as seen from outside; ``until`` is the end of a timed state (wrap-up)."""

    id: AgentId
    name: str
    state: AgentState
    reason: str | None
    since: datetime
    until: datetime | None
    contact_id: ContactId | None
    skills: Mapping[str, int]
    queues: tuple[QueueName, ...]
    phone_registered: bool
    team: TeamName | None = None
    extension: Extension | None = None
    """The phone where they sit; None for an agent whose desk somebody else has taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """One queue: how many wait, since when the one who came first does, and how many agents could serve."""

    name: QueueName
    title: Mapping[str, str]
    waiting: int
    oldest: datetime | None
    unserved: int
    agents_available: int
    agents_logged_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One live call."""

    contact_id: ContactId
    number: str
    caller: str
    brand: BrandName
    state: CallState
    entered_at: datetime
    tier: CustomerTier
    queue: QueueName | None
    agent_id: AgentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowView:
    """One menu as published: the numbers that lead to it, and the error that keeps a newer draft out, if any."""

    name: str
    numbers: Sequence[str]
    version: str
    error: str | None
