"""A customer as the CRM knows them, and what they bought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import CustomerId
from switchroom.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer. ``phones`` are E.164 (``+8613800138000``), ``language`` is BCP 47 (``zh-CN``)."""

    id: CustomerId
    name: str
    tier: CustomerTier = CustomerTier.STANDARD
    language: str | None = None
    phones: Sequence[str] = ()
    email: str | None = None
    note: str = ""
    preferences: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    name: str
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order. ``status`` and ``status_zh`` say the same in both languages.

    ``eta`` is the day of delivery (``2026-01-08``) while that is ahead.
    """

    number: str
    status: str
    status_zh: str
    carrier: str | None
    eta: str | None
    total: Money
    items: Sequence[OrderItem]
    placed_at: datetime
