"""Erases a person from the ledger, for good: what happened stays, and nothing in it tells any more to whom.

Gone are the customer with numbers and orders; from the person's calls (also those of before their number was known) the
number, the name and what they entered; from their tickets the note, and what the subject took from the call; and the
number wherever else it was written. Recordings stay: they are found and deleted by call (docs/security.md).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Row, String, Table, cast, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.errors import Refused
from switchroom.domain.ids import ContactId, CustomerId
from switchroom.storage.database import Database, batched, key_of
from switchroom.storage.phones import national, normalise, written
from switchroom.storage.rebuild import reproject
from switchroom.storage.tables import contacts, customer_phones, customers, events, metadata, ticket_contacts, tickets

ERASED = "…"
SHORTEST_NUMBER = 7
"""Shorter ones are extensions and short codes: as bare digits they are found in text that means something else."""
SHORTEST_WORD = 3

_OF_THE_PERSON: Mapping[str, Any] = {
    "caller": "",
    "name": None,
    "customer_id": None,
    "value": "",
    "collected": {},
    "received": {},
}
"""The fields of events that say who called and what they entered, and what is put there instead."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The calls and the number of tickets in which nobody is named any more."""

    calls: Sequence[ContactId]
    tickets: int


class Erasure:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, customer_id: CustomerId) -> Erased | None:
        """Erase the person; None when there is no such customer. Raises `Refused` while they are on the line."""
        async with self._database.write() as connection:
            key = key_of(customer_id)
            name = await connection.scalar(select(customers.c.name).where(customers.c.id == key))
            if name is None:
                return None
            numbers = await _numbers(connection, customer_id)
            calls = await _calls(connection, customer_id, numbers)
            if any(call.outcome is None for call in calls):
                raise Refused("they are on the line: erase them when the call is over")
            contact_ids = [call.contact_id for call in calls]
            touched = await _erase_tickets(connection, customer_id, contact_ids, [name, *_entered(calls)])
            await _erase_calls(connection, contact_ids, name)
            await connection.execute(delete(customers).where(customers.c.id == key))
            for number in numbers:
                if len(national(number)) >= SHORTEST_NUMBER:
                    await _erase_everywhere(connection, number)
        await self._database.compact()
        return Erased(contact_ids, touched)


async def _numbers(connection: AsyncConnection, customer_id: CustomerId) -> set[str]:
    """The customer's numbers, also those that they called from before; not those that are another's now."""
    phones = customer_phones.c
    known = set(await connection.scalars(select(phones.phone).where(phones.customer_id == key_of(customer_id))))
    called = select(contacts.c.caller).where(contacts.c.customer_id == customer_id).distinct()
    former = {normalise(caller) for caller in await connection.scalars(called)} - known - {""}
    others = set(await connection.scalars(select(phones.phone).where(phones.phone.in_(former))))
    return known | (former - others)


async def _calls(connection: AsyncConnection, customer_id: CustomerId, numbers: Iterable[str]) -> Sequence[Row[Any]]:
    """The person's calls: those that were known to be theirs, and strangers' calls from their numbers."""
    similar = [contacts.c.caller.like(f"%{national(number)}") for number in numbers]
    rows = await connection.execute(
        select(contacts).where(
            or_(contacts.c.customer_id == customer_id, contacts.c.customer_id.is_(None) & or_(False, *similar))
        )
    )
    return [row for row in rows if row.customer_id is not None or normalise(row.caller) in numbers]


def _entered(calls: Sequence[Row[Any]]) -> set[str]:
    """What the person pressed and said, as far as it could be recognised in a ticket's subject."""
    values = {value for call in calls for value in call.collected.values()}
    values |= {taken["value"] for call in calls for taken in call.inputs}
    return {value for value in values if len(value) >= SHORTEST_WORD}


async def _erase_tickets(
    connection: AsyncConnection, customer_id: CustomerId, calls: Sequence[ContactId], words: Sequence[str]
) -> int:
    spoken = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))
    rows = (await connection.execute(select(tickets).where(tickets.c.customer_id == customer_id))).all()
    for some in batched(calls):
        linked = select(ticket_contacts.c.ticket_id).where(ticket_contacts.c.contact_id.in_(some))
        rows = [*rows, *(await connection.execute(select(tickets).where(tickets.c.id.in_(linked)))).all()]
    changes = {row.id: {"subject": spoken.sub(ERASED, row.subject), "note": "", "customer_id": None} for row in rows}
    for ticket_id, change in changes.items():
        await connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(change))
    return len(changes)


async def _erase_calls(connection: AsyncConnection, calls: Sequence[ContactId], name: str) -> None:
    named = re.compile(re.escape(name))
    nobody: dict[str, Any] = {"caller": "", "customer_id": None, "inputs": [], "collected": {}}
    for some in batched(calls, 100):
        # For rows older than the log; the others follow from their events.
        await connection.execute(update(contacts).where(contacts.c.contact_id.in_(some)).values(nobody))
        for row in await _rows(connection, select(events).where(events.c.contact_id.in_(some))):
            data = {field: _OF_THE_PERSON.get(field, _without(named, value)) for field, value in row.data.items()}
            await connection.execute(update(events).where(*_is(events, row)).values(data=data))
    await reproject(connection, calls)


async def _erase_everywhere(connection: AsyncConnection, number: str) -> None:
    """The number, in every form, in every text of every table."""
    pattern, ending = written(number), f"%{number[-4:]}%"
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if _may_hold_words(column)]
        found = or_(False, *(cast(column, String).like(ending) for column in columns))
        for row in await _rows(connection, select(table).where(found)):
            before = {column.name: row._mapping[column.name] for column in columns}
            after = {name: _without(pattern, value) for name, value in before.items()}
            if after != before:
                await connection.execute(update(table).where(*_is(table, row)).values(after))


def _may_hold_words(column: Column[Any]) -> bool:
    return isinstance(column.type, String | JSON) and not column.primary_key and not column.foreign_keys


def _is(table: Table, row: Row[Any]) -> list[Any]:
    return [column == row._mapping[column.name] for column in table.primary_key]


async def _rows(connection: AsyncConnection, query: Any) -> Sequence[Row[Any]]:
    return (await connection.execute(query)).all()


def _without(pattern: re.Pattern[str], value: Any) -> Any:
    """The JSON value, with what ``pattern`` finds in its texts erased."""
    if isinstance(value, str):
        return pattern.sub(ERASED, value)
    if isinstance(value, dict):
        return {name: _without(pattern, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(pattern, inner) for inner in value]
    return value
