"""Which numbers and which contacts are a customer's: also those of before their number was known to be theirs."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.ids import CustomerId
from switchroom.storage.database import key_of
from switchroom.storage.phones import national, normalise
from switchroom.storage.tables import contacts, customer_phones


async def numbers_of(connection: AsyncConnection, customer_id: CustomerId) -> set[str]:
    """The customer's numbers, also those that they called from before; not those that are another's now."""
    phones = customer_phones.c
    known = set(await connection.scalars(select(phones.phone).where(phones.customer_id == key_of(customer_id))))
    called = select(contacts.c.caller).where(contacts.c.customer_id == customer_id).distinct()
    former = {normalise(caller) for caller in await connection.scalars(called)} - known - {""}
    others = set(await connection.scalars(select(phones.phone).where(phones.phone.in_(former))))
    return known | (former - others)


async def contacts_of(
    connection: AsyncConnection, customer_id: CustomerId, numbers: Iterable[str]
) -> Sequence[Row[Any]]:
    """The customer's contacts: those that were known to be theirs, and strangers' from their ``numbers``."""
    similar = [contacts.c.caller.like(f"%{national(number)}") for number in numbers]
    rows = await connection.execute(
        select(contacts).where(
            or_(contacts.c.customer_id == customer_id, contacts.c.customer_id.is_(None) & or_(False, *similar))
        )
    )
    return [row for row in rows if row.customer_id is not None or normalise(row.caller) in numbers]


async def contacts_from(connection: AsyncConnection, number: str) -> Sequence[Row[Any]]:
    """All contacts from this number (normalised), whoever called."""
    similar = contacts.c.caller.like(f"%{national(number)}")
    return [row for row in await connection.execute(select(contacts).where(similar)) if normalise(row.caller) == number]
