"""A waiting contact and its place."""

from typing import NamedTuple

from switchroom.domain.contact import Requirements
from switchroom.domain.ids import ContactId

Rank = tuple[float, float, ContactId]
"""The place by the rule (`acd.core.rules.Rules.place`), then ``enqueued_at``, then the id: no two are equal."""


class QueueEntry(NamedTuple):
    """A waiting contact. ``requirements`` include what its queue requires; ``enqueued_at`` never changes."""

    contact_id: ContactId
    requirements: Requirements
    enqueued_at: float
    rank: Rank
