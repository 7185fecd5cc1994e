"""Customers, their numbers and their orders."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select

from switchroom.domain.contact import CustomerTier
from switchroom.domain.customer import Customer, Order, OrderItem
from switchroom.domain.ids import CustomerId
from switchroom.domain.money import Money
from switchroom.storage.database import Database, key_of, upsert
from switchroom.storage.phones import normalise
from switchroom.storage.tables import customer_phones, customers, orders


class Customers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_phone(self, phone: str) -> Customer | None:
        """The customer whose number this is, in any form."""
        owner = select(customer_phones.c.customer_id).where(customer_phones.c.phone == normalise(phone))
        return await self._one(customers.c.id == owner.scalar_subquery())

    async def get(self, customer_id: CustomerId) -> Customer | None:
        key = key_of(customer_id)
        return None if key is None else await self._one(customers.c.id == key)

    async def add(
        self,
        *,
        name: str,
        phones: Sequence[str],
        tier: CustomerTier = CustomerTier.STANDARD,
        language: str | None = None,
        email: str | None = None,
        note: str = "",
        preferences: Mapping[str, str] | None = None,
    ) -> CustomerId:
        """A new customer. Raises SQLAlchemy's ``IntegrityError`` when a number belongs to somebody already."""
        values = {"name": name, "tier": tier, "language": language, "email": email, "note": note}
        async with self._database.write() as connection:
            statement = insert(customers).values(**values, preferences=dict(preferences or {}))
            key = (await connection.scalars(statement.returning(customers.c.id))).one()
            numbers = sorted({normalise(phone) for phone in phones})
            if numbers:
                rows = [{"phone": number, "customer_id": key} for number in numbers]
                await connection.execute(insert(customer_phones), rows)
        return CustomerId(str(key))

    async def orders(self, customer_id: CustomerId, limit: int = 20) -> Sequence[Order]:
        """The newest first."""
        query = select(orders).where(orders.c.customer_id == key_of(customer_id)).order_by(orders.c.placed_at.desc())
        async with self._database.read() as connection:
            return [_order(row._mapping) for row in await connection.execute(query.limit(limit))]

    async def put_order(self, customer_id: CustomerId, order: Order) -> None:
        """Store the order, or what became of it."""
        row = {
            "number": order.number,
            "customer_id": key_of(customer_id),
            "status": order.status,
            "status_zh": order.status_zh,
            "carrier": order.carrier,
            "eta": order.eta,
            "amount": order.total.amount,
            "currency": order.total.currency,
            "items": [{"name": item.name, "quantity": item.quantity} for item in order.items],
            "placed_at": order.placed_at,
        }
        async with self._database.write() as connection:
            await upsert(connection, orders, [row])

    async def _one(self, wanted: Any) -> Customer | None:
        query = (
            select(customers, customer_phones.c.phone)
            .outerjoin(customer_phones, customer_phones.c.customer_id == customers.c.id)
            .where(wanted)
            .order_by(customer_phones.c.phone)
        )
        async with self._database.read() as connection:
            rows = [dict(row._mapping) for row in await connection.execute(query)]
        if not rows:
            return None
        phones = tuple(row["phone"] for row in rows if row["phone"] is not None)
        first = {name: value for name, value in rows[0].items() if name != "phone"}
        known = {"id": CustomerId(str(first["id"])), "tier": CustomerTier(first["tier"]), "phones": phones}
        return Customer(**{**first, **known})


class OrderDip:
    """The menu's source ``orders``: what a caller may hear about an order of which they know the number."""

    ARGUMENTS = frozenset({"number"})
    FIELDS = frozenset({"number", "status", "status_zh", "carrier", "eta", "total", "items"})

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, number: str) -> Mapping[str, Any] | None:
        """The order's `FIELDS`, or None if there is no such order.

        ``total`` is a number here, so that menus can compare it.
        """
        query = select(orders).where(orders.c.number == number)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        shown = {name: value for name, value in row._mapping.items() if name in self.FIELDS}
        return {**shown, "total": float(row.amount)}


def _order(row: Mapping[Any, Any]) -> Order:
    values = dict(row)
    del values["customer_id"]
    total = Money(values.pop("amount"), values.pop("currency"))
    return Order(**{**values, "total": total, "items": tuple(OrderItem(**item) for item in values["items"])})
