"""What the core is told of agents and queues. Times in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import AgentId, Extension, QueueName, TeamName


@dataclass(frozen=True, slots=True)
class AgentParameters:
    name: str
    skills: Mapping[str, int]
    team: TeamName | None = None
    desk: Extension | None = None
    """The phone where they sit; that of their own number without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueParameters:
    skills: Mapping[str, int] = field(default_factory=dict)
    """What every contact in the queue requires, beside its own needs."""
    offer_timeout_s: float = 20.0
    """How long an agent has to take an offer."""
    wrap_up_s: float = 30.0
    unserved_limit_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    agents: Mapping[AgentId, AgentParameters]
    queues: Mapping[QueueName, QueueParameters]
    fallback: QueueName
    """The queue of contacts whose own is not known, or that nobody on duty may serve."""
    head_start: Mapping[CustomerTier, float] = field(default_factory=dict)
