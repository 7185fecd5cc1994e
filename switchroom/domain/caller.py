"""What is known of the caller while a menu talks with them."""

from dataclasses import dataclass

from switchroom.domain.brand import NO_BRAND, Brand
from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import ContactId, CustomerId

IDENTIFIED_WITHIN_S = 1.0
"""From the arrival: so long a menu waits to learn who is calling; then they count as a stranger until it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One live caller. ``number`` was dialled, ``phone`` is the caller's own (empty when withheld).

    ``customer_id``, ``name`` and ``language`` are None for a stranger.
    """

    contact_id: ContactId
    number: str
    phone: str
    brand: Brand = NO_BRAND
    tier: CustomerTier = CustomerTier.STANDARD
    customer_id: CustomerId | None = None
    name: str | None = None
    language: str | None = None
