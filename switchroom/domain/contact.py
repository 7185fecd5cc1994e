"""What the ACD routes: a contact's needs, written in the words of queues, skills and tiers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from switchroom.domain.ids import AgentId, ChannelName, OfferId, QueueName


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


VOICE = ChannelName("voice")
"""Calls."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """Which queue a contact asks for, what an agent must know to take it, who is asking, and over which channel.

    ``skills`` maps a skill to the lowest level that will do (1 to 10, 10 best), as ``{"refund": 3, "lang:en": 1}``.
    """

    queue: QueueName
    skills: Mapping[str, int] = field(default_factory=dict)
    tier: CustomerTier = CustomerTier.STANDARD
    tier_is_fixed: bool = False
    """The menu said the tier: the customer's own does not count, should it be learned later."""
    channel: ChannelName = VOICE


LANGUAGE_SKILL = "lang:"
"""Skills that begin so are the languages that the customer speaks: they hold in every queue."""


def for_queue(needs: Requirements, queue: QueueName) -> Requirements:
    """What the same customer needs in another queue: the tier and the language stay, the queue's own skills do not.

    >>> for_queue(Requirements(QueueName("returns"), {"returns": 3, "lang:en": 1}), QueueName("general")).skills
    {'lang:en': 1}
    """
    spoken = {skill: level for skill, level in needs.skills.items() if skill.startswith(LANGUAGE_SKILL)}
    return replace(needs, queue=queue, skills=spoken)


class VisitEnding(StrEnum):
    """How a wait in a queue ended: exactly one of these."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    TRANSFERRED = "transferred"
    CALLBACK = "callback"
    SYSTEM_FAILED = "system_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueVisit:
    """One wait of a contact in one queue; ``ended_at`` and ``ending`` are None while it waits."""

    queue: QueueName
    enqueued_at: datetime
    ended_at: datetime | None = None
    ending: VisitEnding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """An agent and the customer, connected; ``ended_at`` is None while they talk."""

    agent_id: AgentId
    offer_id: OfferId | None
    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact's place in the line. ``enqueued_at`` never changes."""

    requirements: Requirements
    enqueued_at: datetime
