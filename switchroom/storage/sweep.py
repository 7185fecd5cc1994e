"""Finds a telephone number in every text of every table, in each form that people write it, and erases it there.

Not in the log: none of its own fields can hold one (tests/unit/test_personal_data.py), and it is never changed.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, String, Table, and_, cast, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.storage.phones import national, written
from switchroom.storage.tables import events, metadata

ERASED = "…"
SHORTEST_NUMBER = 7
"""Shorter ones are extensions and short codes: as bare digits they are found in text that means something else."""
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True, slots=True)
class Place:
    """A row that may hold a number."""

    table: Table
    key: tuple[Any, ...]

    @property
    def itself(self) -> ColumnElement[bool]:
        return and_(*(column == value for column, value in zip(self.table.primary_key, self.key, strict=True)))


async def find(connection: AsyncConnection, numbers: Collection[str]) -> list[Place]:
    """Where the ``numbers`` (normalised) may stand. Reads all tables: do it before the transaction that writes."""
    found = []
    for table in metadata.sorted_tables:
        columns = list(_texts(table))
        if not columns or table is events:
            continue
        wanted = or_(False, *(text for number in _long(numbers) for text in _alike(columns, number)))
        rows = await connection.execute(select(*table.primary_key).where(wanted))
        found += [Place(table, tuple(row)) for row in rows]
    return found


async def wipe(connection: AsyncConnection, places: Sequence[Place], numbers: Collection[str]) -> None:
    """Erase the ``numbers`` from the texts of these rows."""
    patterns = [written(number) for number in _long(numbers)]
    for place in places:
        row = (await connection.execute(select(place.table).where(place.itself))).first()
        if row is None:
            continue
        before = {column.name: row._mapping[column.name] for column in _texts(place.table)}
        after = {name: _without(patterns, value) for name, value in before.items()}
        if after != before:
            await connection.execute(update(place.table).where(place.itself).values(after))


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
