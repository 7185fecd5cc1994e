"""Who goes first, and who serves: the two orders of the ACD, as pure functions.

The line is ordered by ``enqueued_at`` minus the head-start of the customer's tier. The key never changes
while a contact waits, so nobody is re-sorted; and a contact can be overtaken only by those of a higher tier who come
within the difference of the head-starts: that difference is the longest extra wait that priority can cause.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from switchroom.domain.contact import CustomerTier


def line_key(enqueued_at: datetime, tier: CustomerTier, head_start: Mapping[CustomerTier, timedelta]) -> float:
    """The place in line, in seconds: the smallest is served first.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> start = {CustomerTier.GOLD: timedelta(seconds=60)}
    >>> line_key(noon + timedelta(seconds=59), CustomerTier.GOLD, start) < line_key(noon, CustomerTier.STANDARD, start)
    True
    >>> line_key(noon + timedelta(seconds=61), CustomerTier.GOLD, start) < line_key(noon, CustomerTier.STANDARD, start)
    False
    """
    return enqueued_at.timestamp() - head_start.get(tier, timedelta(0)).total_seconds()


def meets(required: Mapping[str, int], skills: Mapping[str, int]) -> bool:
    """Whether every required skill is there at the required level.

    >>> meets({"returns": 3}, {"returns": 5, "lang:zh": 9})
    True
    >>> meets({"returns": 3, "lang:en": 1}, {"returns": 5})
    False
    """
    return all(skills.get(skill, 0) >= level for skill, level in required.items())


def fitness(required: Mapping[str, int], skills: Mapping[str, int]) -> int:
    """How well an agent who meets the requirements fits: the sum of their levels in what is required.

    >>> fitness({"returns": 3}, {"returns": 5, "lang:zh": 9})
    5
    """
    return sum(skills[skill] for skill in required)
