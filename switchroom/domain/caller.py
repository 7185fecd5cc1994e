"""What is known of the caller while a menu talks with them."""

from dataclasses import dataclass

from switchroom.domain.contact import Tier
from switchroom.domain.ids import CallId, CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One live caller. ``number`` was dialled, ``phone`` is the caller's own (empty when withheld).

    ``customer_id``, ``name`` and ``language`` are None for a stranger.
    """

    call_id: CallId
    number: str
    phone: str
    tier: Tier = Tier.STANDARD
    customer_id: CustomerId | None = None
    name: str | None = None
    language: str | None = None
