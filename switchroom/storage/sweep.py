"""Finds a telephone number in every text of every table, in each form that people write it, and erases it there.

Not in the log: none of its own fields can hold one (tests/unit/test_personal_data.py), and it is never changed.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Row, String, Table, and_, cast, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.storage.phones import national, written
from switchroom.storage.tables import contacts, events, metadata, personal_data, recordings

ERASED = "…"
SHORTEST_NUMBER = 7
"""Shorter ones are extensions and short codes: as bare digits they are found in text that means something else."""
AT_ONCE = 50
"""Rows looked at in one go: a few milliseconds."""
_OF_THE_LEDGER = (contacts, personal_data, recordings)
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True, slots=True)
class Place:
    """A row that may hold a number."""

    table: Table
    key: tuple[Any, ...]

    @property
    def itself(self) -> ColumnElement[bool]:
        return and_(*(column == value for column, value in zip(self.table.primary_key, self.key, strict=True)))


async def find(connection: AsyncConnection, numbers: Collection[str], *, since: int | None = None) -> list[Place]:
    """Where the ``numbers`` (normalised) stand. Reads all tables: do it before the transaction that writes.

    With ``since``, a number of the log, of what the ledger alone writes only what it has written after that: what is
    left to read are people's own tables, which are small beside it.
    """
    patterns = [written(number) for number in _long(numbers)]
    found: list[Place] = []
    if not patterns:
        return found
    for table in metadata.sorted_tables:
        columns = list(_texts(table))
        if not columns or table is events:
            continue
        wanted = or_(False, *(text for number in _long(numbers) for text in _alike(columns, number)))
        names = [column.name for column in table.primary_key]
        if since is not None and table in _OF_THE_LEDGER:
            written_since = select(events.c.contact_id).where(events.c.seq > since)
            wanted = and_(table.c.contact_id.in_(written_since), wanted)
        rows = await connection.stream(select(table).where(wanted))
        async for some in rows.partitions(AT_ONCE):  # others have their turn in between
            found += [
                Place(table, tuple(row._mapping[name] for name in names))
                for row in some
                if _wiped(patterns, row, columns)
            ]
    return found


async def wipe(connection: AsyncConnection, places: Sequence[Place], numbers: Collection[str]) -> None:
    """Erase the ``numbers`` from the texts of these rows."""
    patterns = [written(number) for number in _long(numbers)]
    for place in places:
        row = (await connection.execute(select(place.table).where(place.itself))).first()
        if row is not None and (values := _wiped(patterns, row, _texts(place.table))):
            await connection.execute(update(place.table).where(place.itself).values(values))


def _wiped(patterns: Sequence[re.Pattern[str]], row: Row[Any], columns: Iterable[Column[Any]]) -> dict[str, Any]:
    """The columns in which one of the ``patterns`` is found, without it."""
    before = {column.name: row._mapping[column.name] for column in columns}
    after = {name: _without(patterns, value) for name, value in before.items()}
    return {name: value for name, value in after.items() if value != before[name]}


def _long(numbers: Collection[str]) -> list[str]:
    return [number for number in numbers if len(national(number)) >= SHORTEST_NUMBER]


def _texts(table: Table) -> Iterator[Column[Any]]:
    for column in table.columns:
        if isinstance(column.type, String | JSON) and not column.primary_key and not column.foreign_keys:
            yield column


def _alike(columns: Sequence[Column[Any]], number: str) -> Iterator[ColumnElement[bool]]:
    """Conditions that hold wherever `written` finds the number; also elsewhere."""
    digits = national(number)[-SHORTEST_NUMBER:]
    last = digits[-1]
    # Wide digits stand as they are in text, and escaped in SQLite's JSON.
    for pattern in (f"%{'%'.join(digits)}%", f"%{last.translate(_WIDE)}%", rf"%\uff1{last}%"):
        yield from (cast(column, String).like(pattern) for column in columns)


def _without(patterns: Sequence[re.Pattern[str]], value: Any) -> Any:
    """The JSON value, with what the ``patterns`` find in its texts erased."""
    if isinstance(value, str):
        for pattern in patterns:
            value = pattern.sub(ERASED, value)
        return value
    if isinstance(value, dict):
        return {_without(patterns, name): _without(patterns, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(patterns, inner) for inner in value]
    return value
