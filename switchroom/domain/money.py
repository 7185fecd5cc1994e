"""Amounts of money, exact, each with its currency."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """``amount`` in units of ``currency`` (ISO 4217, as ``CNY``), with as many digits as were written.

    >>> str(Money(Decimal("2399.00"), "CNY"))
    '2399.00 CNY'
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise ValueError("an amount of money is a number")
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is no currency: write it as CNY")

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
