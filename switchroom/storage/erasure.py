"""Erases a person, for good: what happened stays, and nothing in it tells any more to whom.

Gone are the customer with numbers and orders, where they are in our own table; of the person's contacts (also those of
before their number was known) the personal data that the log refers to, and their recordings; of their tickets the
note, and what the subject took from the contact; and the number wherever else it was written. The log itself is not
changed (docs/security.md).
"""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.errors import Refused
from switchroom.domain.hold import Held
from switchroom.domain.ids import ContactId, CustomerId
from switchroom.runtime.clock import Clock
from switchroom.storage import holds, sweep
from switchroom.storage.database import Database, batched, key_of
from switchroom.storage.event_log import lock
from switchroom.storage.owing import TICKET
from switchroom.storage.persons import contacts_from, contacts_of, numbers_of
from switchroom.storage.phones import national, normalise
from switchroom.storage.rebuild import reproject
from switchroom.storage.recordings import owe_deletion
from switchroom.storage.sweep import ERASED
from switchroom.storage.tables import (
    contacts,
    customer_phones,
    customers,
    log_head,
    outbox,
    personal_data,
    recordings,
    ticket_contacts,
    tickets,
)

SHORTEST_WORD = 3
NOBODY: dict[str, Any] = {"caller": "", "customer_id": None, "inputs": [], "collected": {}}
"""A contact's row without its person; those that are younger than the log follow from it."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The contacts, and the numbers of tickets and recordings, in which nobody is found any more."""

    calls: Sequence[ContactId]
    tickets: int
    recordings: int


class Elsewhere(Protocol):
    """What there is of a person outside of the database."""

    async def settle(self, contact_ids: Collection[ContactId], numbers: Collection[str]) -> None:
        """Have everything written down that is on its way, and delete what is recorded and not finished.

        Raises `Refused` while something outside names the ``numbers`` and will be written down later.
        """
        ...

    async def delete_audio(self, paths: Collection[str]) -> None:
        """Delete these recordings' files. Raises OSError when one cannot be deleted."""
        ...


class NothingElsewhere:
    """There is only the database."""

    async def settle(self, contact_ids: Collection[ContactId], numbers: Collection[str]) -> None:
        pass

    async def delete_audio(self, paths: Collection[str]) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody with an id, or (None) with no more than a number."""

    customer_id: CustomerId | None
    name: str
    numbers: Collection[str]
    calls: Sequence[Row[Any]]

    @property
    def contact_ids(self) -> list[ContactId]:
        return [call.contact_id for call in self.calls]


class Erasure:
    def __init__(
        self, database: Database, clock: Clock, elsewhere: Elsewhere | None = None, *, server: str = "main"
    ) -> None:
        """``server`` is this one's name: what lies on the disks of others is theirs to delete."""
        self._database, self._clock, self._server = database, clock, server
        self._elsewhere = elsewhere or NothingElsewhere()

    async def erase(self, customer_id: CustomerId) -> Erased | None:
        """Erase the customer, also one of another CRM; None when nothing here knows of them.

        Raises `Held` under a legal hold, `Refused` while they are on the line, OSError when a recording cannot be
        deleted. Then everything that is in the database is as it was.
        """
        return await self._erase(lambda connection: self._customer(connection, customer_id))

    async def erase_number(self, phone: str) -> Erased | None:
        """Erase the caller with this number, in any form, who is nobody's customer; None when it is found nowhere.

        Raises what `erase` raises, and `Refused` for a customer's number: it says whose.
        """
        number = normalise(phone)
        if not national(number):
            return None
        return await self._erase(lambda connection: self._stranger(connection, number))

    async def _erase(self, look_up: Callable[[AsyncConnection], Awaitable[_Person | None]]) -> Erased | None:
        # All that takes long is read first: the log is locked for no longer than the writing takes.
        async with self._database.read() as connection:
            person = await self._erasable(await look_up(connection), connection)
            if person is None:
                return None
            head = await connection.scalar(select(log_head.c.seq))
            numbers = frozenset(person.numbers)
            places = await sweep.find(connection, numbers)
            if person.customer_id is None and not person.calls and not places:
                return None
        await self._elsewhere.settle(person.contact_ids, person.numbers)
        async with self._database.write() as connection:
            await lock(connection)
            person = await self._erasable(await look_up(connection), connection)
            if person is None:
                return None
            calls = person.contact_ids
            touched = await _erase_tickets(connection, person)
            paths = await _erase_calls(connection, calls)
            owner = {call.contact_id: call.server for call in person.calls}
            owed = {path: owner[contact_id] for path, contact_id in paths.items() if owner[contact_id] != self._server}
            await owe_deletion(connection, owed)
            if person.customer_id is not None:
                await connection.execute(delete(customers).where(customers.c.id == key_of(person.customer_id)))
            await holds.forget_reasons(connection, person.customer_id, calls)
            # What was written since: a note that names them, a number that is theirs now.
            places += await sweep.find(connection, numbers, since=head)
            places += await sweep.find(connection, set(person.numbers) - numbers)
            await sweep.wipe(connection, places, person.numbers)
            # Last, so that what fails before leaves them; a row whose file is gone already does no harm.
            await self._elsewhere.delete_audio(paths)
        await self._database.compact()
        return Erased(calls, touched, len(paths))

    async def _customer(self, connection: AsyncConnection, customer_id: CustomerId) -> _Person | None:
        """From the built-in customers, or as contacts and tickets name them: another CRM keeps its own table."""
        name = await connection.scalar(select(customers.c.name).where(customers.c.id == key_of(customer_id)))
        numbers = await numbers_of(connection, customer_id)
        calls = await contacts_of(connection, customer_id, numbers)
        if name is None and not calls:
            theirs = select(tickets.c.id).where(tickets.c.customer_id == customer_id).limit(1)
            if await connection.scalar(theirs) is None:
                return None
        return _Person(customer_id, name or "", numbers, calls)

    async def _stranger(self, connection: AsyncConnection, number: str) -> _Person:
        calls = await contacts_from(connection, number)
        owner = await connection.scalar(select(customer_phones.c.customer_id).where(customer_phones.c.phone == number))
        owner = owner or next((call.customer_id for call in calls if call.customer_id is not None), None)
        if owner is not None:
            raise Refused(f"the number is that of customer {owner}: erase the customer")
        return _Person(None, "", {number}, calls)

    async def _erasable(self, person: _Person | None, connection: AsyncConnection) -> _Person | None:
        if person is None:
            return None
        hold = await holds.of_person(connection, person.customer_id, person.contact_ids, self._clock.now())
        if hold is not None:
            raise Held(hold)
        if any(call.outcome is None for call in person.calls):
            raise Refused("they are on the line: erase them when the call is over")
        return person


def _entered(calls: Sequence[Row[Any]]) -> set[str]:
    """What the person pressed and said, as far as it could be recognised in a ticket's subject."""
    values = {value for call in calls for value in call.collected.values()}
    values |= {taken["value"] for call in calls for taken in call.inputs}
    return {value for value in values if len(value) >= SHORTEST_WORD}


async def _erase_tickets(connection: AsyncConnection, person: _Person) -> int:
    words = sorted([person.name, *_entered(person.calls)], key=len, reverse=True)
    spoken = re.compile("|".join(re.escape(word) for word in words if word) or "(?!)")
    rows: Sequence[Row[Any]] = []
    if person.customer_id is not None:
        theirs = tickets.c.customer_id == person.customer_id
        rows = (await connection.execute(select(tickets).where(theirs))).all()
    for some in batched(person.contact_ids):
        linked = select(ticket_contacts.c.ticket_id).where(ticket_contacts.c.contact_id.in_(some))
        rows = [*rows, *(await connection.execute(select(tickets).where(tickets.c.id.in_(linked)))).all()]
    changes = {row.id: {"subject": spoken.sub(ERASED, row.subject), "note": "", "customer_id": None} for row in rows}
    for ticket_id, change in changes.items():
        await connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(change))
    return len(changes)


async def _erase_calls(connection: AsyncConnection, calls: Sequence[ContactId]) -> dict[str, ContactId]:
    """Delete what is personal of these contacts; returns where their recordings were."""
    paths: dict[str, ContactId] = {}
    for some in batched(calls, 100):
        await connection.execute(delete(personal_data).where(personal_data.c.contact_id.in_(some)))
        gone = delete(recordings).where(recordings.c.contact_id.in_(some))
        rows = await connection.execute(gone.returning(recordings.c.path, recordings.c.contact_id))
        paths |= {row.path: row.contact_id for row in rows}
        owed = (outbox.c.kind == TICKET) & outbox.c.key.in_(some)
        await connection.execute(update(outbox).where(owed).values(last_error=None))  # another system's words
        await connection.execute(update(contacts).where(contacts.c.contact_id.in_(some)).values(NOBODY))
    await reproject(connection, calls)
    return paths
