"""A contact's wait in a queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from switchroom.domain.contact import Requirements
from switchroom.domain.events.base import Personal, personal
from switchroom.domain.events.contact import ContactEvent
from switchroom.domain.ids import QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactQueued(ContactEvent):
    """The call joined (or rejoined) the line. ``collected`` is what the menu learned, for the agent to see."""

    requirements: Requirements
    enqueued_at: datetime
    collected: Mapping[str, str] = field(default_factory=dict, metadata=personal(Personal.INPUT, erased={}))


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
