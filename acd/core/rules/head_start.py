"""Whose turn it is: first come, first served, with a head-start for each tier.

The place is ``enqueued_at`` minus the head-start. It never changes while a contact waits, so nobody is sorted again;
and a contact can be overtaken only by those of a higher tier who come within the difference of the head-starts: that
difference is the longest extra wait that priority can cause.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from switchroom.domain.contact import CustomerTier


@dataclass(frozen=True, slots=True)
class HeadStart:
    """Each tier's head-start in seconds; a tier that is not named has none.

    >>> place = HeadStart({CustomerTier.GOLD: 60})
    >>> place(59, CustomerTier.GOLD) < place(0, CustomerTier.STANDARD) < place(61, CustomerTier.GOLD)
    True
    """

    seconds: Mapping[CustomerTier, float]

    def __call__(self, enqueued_at: float, tier: CustomerTier) -> float:
        return enqueued_at - self.seconds.get(tier, 0.0)
