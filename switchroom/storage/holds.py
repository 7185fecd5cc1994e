"""Legal holds: placed and released, never deleted, so that the table tells who held what, and when.

A hold is in force from its placing to its release, or to its end if it has one.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.hold import Hold, HoldSubject
from switchroom.domain.ids import ContactId, CustomerId
from switchroom.storage.database import Database, batched
from switchroom.storage.event_log import lock
from switchroom.storage.persons import contacts_of, numbers_of
from switchroom.storage.tables import legal_holds


class Holds:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, hold: Hold) -> None:
        """Put ``hold`` in the place of the one in force on the same subject, if there is one."""
        async with self._database.write() as connection:
            await lock(connection)  # an erasure or a retention that is under way ends first
            await _release(connection, hold.subject, hold.subject_id, hold.placed_by, hold.placed_at)
            await connection.execute(insert(legal_holds).values({name: getattr(hold, name) for name in Hold.__slots__}))

    async def release(self, subject: HoldSubject, subject_id: str, *, by: str, at: datetime) -> bool:
        """Whether there was one in force."""
        async with self._database.write() as connection:
            return await _release(connection, subject, subject_id, by, at) > 0

    async def in_force(self, at: datetime) -> Sequence[Hold]:
        """All of them, the oldest first."""
        async with self._database.read() as connection:
            return await in_force(connection, at)


async def in_force(connection: AsyncConnection, at: datetime) -> Sequence[Hold]:
    query = select(legal_holds).where(_in_force(at)).order_by(legal_holds.c.id)
    return [_hold(row) for row in await connection.execute(query)]


async def of_person(
    connection: AsyncConnection, customer_id: CustomerId | None, contact_ids: Collection[ContactId], at: datetime
) -> Hold | None:
    """A hold in force on the customer (None: they are none), or on one of these contacts."""
    theirs = set(contact_ids)
    for hold in await in_force(connection, at):
        if hold.subject is HoldSubject.CUSTOMER and hold.subject_id == customer_id:
            return hold
        if hold.subject is HoldSubject.CONTACT and hold.subject_id in theirs:
            return hold
    return None


async def held_contacts(connection: AsyncConnection, holds: Collection[Hold]) -> frozenset[ContactId]:
    """The contacts that ``holds`` keep: also those of strangers who called from a held customer's number."""
    found: set[ContactId] = set()
    for hold in holds:
        if hold.subject is HoldSubject.CONTACT:
            found.add(ContactId(hold.subject_id))
        else:
            customer_id = CustomerId(hold.subject_id)
            numbers = await numbers_of(connection, customer_id)
            found |= {row.contact_id for row in await contacts_of(connection, customer_id, numbers)}
    return frozenset(found)


async def forget_reasons(
    connection: AsyncConnection, customer_id: CustomerId | None, contact_ids: Collection[ContactId]
) -> None:
    """Delete the reasons of past holds on a person who is erased: they may name them."""
    of_customer = (legal_holds.c.subject == HoldSubject.CUSTOMER) & (legal_holds.c.subject_id == customer_id)
    await connection.execute(update(legal_holds).where(of_customer).values(reason=""))
    for some in batched(contact_ids):
        of_contacts = (legal_holds.c.subject == HoldSubject.CONTACT) & legal_holds.c.subject_id.in_(some)
        await connection.execute(update(legal_holds).where(of_contacts).values(reason=""))


async def _release(connection: AsyncConnection, subject: HoldSubject, subject_id: str, by: str, at: datetime) -> int:
    this = (legal_holds.c.subject == subject) & (legal_holds.c.subject_id == subject_id)
    ended = update(legal_holds).where(this, _in_force(at)).values(released_by=by, released_at=at)
    return (await connection.execute(ended)).rowcount


def _in_force(at: datetime) -> ColumnElement[bool]:
    return legal_holds.c.released_at.is_(None) & or_(legal_holds.c.until.is_(None), legal_holds.c.until > at)


def _hold(row: Row[tuple[object, ...]]) -> Hold:
    values = {name: row._mapping[name] for name in Hold.__slots__}
    return Hold(**{**values, "subject": HoldSubject(row.subject)})
