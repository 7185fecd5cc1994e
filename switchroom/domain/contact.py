"""What the ACD routes: a contact's needs, written in the words of queues, skills and tiers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from switchroom.domain.ids import QueueName


class CustomerTier(StrEnum):
    """Customer tiers, in rising order of head-start; how much each is worth is set in ``queues.yaml``."""

    STANDARD = "standard"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


class Outcome(StrEnum):
    """How a contact ended: exactly one of these."""

    CONNECTED = "connected"
    SELF_SERVICE = "self_service"
    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    VOICEMAIL = "voicemail"
    CALLBACK = "callback"
    SYSTEM_FAILED = "system_failed"


@dataclass(frozen=True, slots=True)
class Requirements:
    """Which queue a contact asks for, what an agent must know to take it, and who is asking.

    ``skills`` maps a skill to the lowest level that will do (1 to 10, 10 best), as ``{"refund": 3, "lang:en": 1}``.
    """

    queue: QueueName
    skills: Mapping[str, int] = field(default_factory=dict)
    tier: CustomerTier = CustomerTier.STANDARD
    tier_is_fixed: bool = False
    """The menu said the tier: the customer's own does not count, should it be learned later."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact's place in the line. ``enqueued_at`` never changes, whatever happens to offers or servers."""

    requirements: Requirements
    enqueued_at: datetime
