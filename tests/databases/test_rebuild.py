"""Projections made anew from the log are what they were, over any history, also after an erasure."""

import asyncio
import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome
from switchroom.domain.ids import AgentId, ContactId, CustomerId
from switchroom.runtime.settings import PROJECT
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.erasure import Erasure
from switchroom.storage.event_log import EventLog, Position, Recorded, Writer
from switchroom.storage.partitions import Partitions
from switchroom.storage.projection import store
from switchroom.storage.rebuild import rebuild
from switchroom.storage.seed import seed_demo
from switchroom.storage.tables import agent_presence, contacts, events, log_head, recordings, visit_days
from switchroom.wire import NAMES, WireError
from tests.fakes.clock import FakeClock
from tests.fixtures.any_event import strategy
from tests.fixtures.postgres import Postgres, emptied
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
PROJECTIONS = (contacts, recordings, agent_presence, visit_days)
CALLS, AGENTS = ("a", "b", "c"), ("1001", "1002")
NUMBER, PERSON = "13977712345", CustomerId("1")

Batch = tuple[str, Sequence[ev.Event]]


@st.composite
def batches(draw: st.DrawFn) -> list[Batch]:
    """What two servers write, batch by batch, over some months."""
    at, written = NOON, []
    for turn in range(draw(st.integers(1, 5))):
        batch = []
        for event in draw(st.lists(st.sampled_from(list(NAMES)).flatmap(strategy), min_size=1, max_size=8)):
            at += timedelta(seconds=draw(st.sampled_from([0, 1, 86_400 * 20])))
            batch.append(_placed(event, at, draw, f"{turn}-{len(batch)}"))
        written.append((draw(st.sampled_from(["east", "west"])), batch))
    return written


def _placed(event: ev.Event, at: datetime, draw: st.DrawFn, unique: str) -> ev.Event:
    """The event, of one of few contacts, agents and persons, so that several are about the same."""
    changes: dict[str, Any] = {"at": at}
    if hasattr(event, "contact_id"):
        changes["contact_id"] = ContactId(draw(st.sampled_from(CALLS)))
    if hasattr(event, "agent_id"):
        changes["agent_id"] = AgentId(draw(st.sampled_from(AGENTS)))
    match event:
        case ev.ContactEntered() | ev.ContactAdopted() | ev.ContactRefused():
            changes["caller"] = draw(st.sampled_from([NUMBER, "", "13800138000"]))
        case ev.CustomerIdentified():
            changes["customer_id"] = draw(st.sampled_from([PERSON, CustomerId("99"), None]))
        case ev.RecordingReady():
            changes["path"] = f"{unique}.wav"
        case ev.Reconciled():
            changes["live"] = frozenset(map(ContactId, draw(st.sets(st.sampled_from(CALLS)))))
    return dataclasses.replace(event, **changes)


async def dump(database: Database) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with database.read() as connection:
        for table in PROJECTIONS:
            rows = await connection.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [dict(row._mapping) for row in rows]
    return found


async def wipe(database: Database) -> None:
    async with database.write() as connection:
        for table in PROJECTIONS:
            await connection.execute(delete(table))


async def write(database: Database, history: Sequence[Batch]) -> None:
    number = 0
    for server, batch in history:
        await Partitions(database).ensure(event.at for event in batch)
        recorded = [Recorded(number + place, event) for place, event in enumerate(batch, start=1)]
        number += len(batch)
        async with database.write() as connection:
            await store(connection, Writer(server=server, boot="b"), recorded)


async def same_after_rebuild(database: Database, history: Sequence[Batch]) -> None:
    await write(database, history)
    await same(database)

    # An erasure changes what the log refers to and the tables alike.
    await Customers(database).add(name="欧阳", phones=[NUMBER])
    last = max(event.at for _, batch in history for event in batch)
    ends = [
        ev.ContactEnded(at=last, contact_id=ContactId(contact_id), outcome=Outcome.ABANDONED) for contact_id in CALLS
    ]
    await write(database, [("west", ends)])
    assert await Erasure(database, FakeClock(NOON)).erase(PERSON) is not None
    assert NUMBER not in repr(await dump(database))
    await same(database)


async def same(database: Database) -> None:
    before = await dump(database)
    await rebuild(database)
    assert await dump(database) == before
    await wipe(database)
    await rebuild(database)
    assert await dump(database) == before


# A history that fails is shown as it was found: to make it smaller would take minutes.
@pytest.mark.thorough
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(batches())
def test_given_any_history_on_sqlite_when_rebuilt_then_the_projections_are_the_same(history: list[Batch]) -> None:
    async def check() -> None:
        with TemporaryDirectory() as folder:
            database = Database(f"sqlite+aiosqlite:///{folder}/switchroom.db")
            await database.upgrade()
            try:
                await same_after_rebuild(database, history)
            finally:
                await database.close()

    asyncio.run(check())


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(history=batches())
def test_given_any_history_on_postgresql_when_rebuilt_then_the_projections_are_the_same(
    postgres: Postgres, history: list[Batch]
) -> None:
    async def check() -> None:
        database = Database(await emptied(postgres))
        await database.upgrade()
        try:
            await same_after_rebuild(database, history)
        finally:
            await database.close()

    asyncio.run(check())


async def test_given_the_demonstrations_contacts_when_rebuilt_then_they_are_the_same(database: Database) -> None:
    await seed_demo(database, NOON)
    assert len((await dump(database))["contacts"]) > 3
    await same(database)


async def test_given_a_log_that_no_longer_holds_the_oldest_when_rebuilt_then_their_rows_stay(
    database: Database,
) -> None:
    old, new = ContactId("old"), ContactId("new")
    later = NOON + timedelta(days=40)
    for contact_id, at in ((old, NOON), (new, later)):
        await write(
            database,
            [("east", [ev.ContactEntered(at=at, contact_id=contact_id, number="400", caller="1", brand=SHOP.name)])],
        )
        path = f"{contact_id}.wav"
        made = ev.RecordingReady(
            at=at, contact_id=contact_id, agent_id=AgentId("1001"), path=path, seconds=1, left_rms=0, right_rms=0
        )
        await write(database, [("east", [made])])
    async with database.write() as connection:
        await connection.execute(delete(events).where(events.c.at < later))
        await connection.execute(update(log_head).values(since=later))
    # A contact of then that goes on now: what is known of its beginning is known from its row alone.
    await write(database, [("east", [ev.NodeVisited(at=later, contact_id=old, node="now")])])
    before = await dump(database)
    await rebuild(database)
    assert await dump(database) == before


async def test_given_an_event_that_cannot_be_read_when_rebuilt_then_it_is_named_and_nothing_changes(
    database: Database,
) -> None:
    await write(
        database,
        [("east", [ev.ContactEntered(at=NOON, contact_id=ContactId("a"), number="1", caller="2", brand=SHOP.name)])],
    )
    before = await dump(database)
    async with database.write() as connection:
        await connection.execute(update(events).values(version=9))
    with pytest.raises(WireError, match=r"switchroom\.contact\.entered v9"):
        await rebuild(database)
    assert await dump(database) == before


async def test_given_any_event_of_the_log_then_it_decodes(database: Database, tmp_path: Path) -> None:
    await seed_demo(database, NOON)
    for entry in await EventLog(database).after(Position(0)):
        assert (entry.event().at, entry.type) == (entry.at, NAMES[type(entry.event())][0])


@pytest.mark.thorough
def test_given_the_command_when_asked_then_it_makes_the_tables_anew(tmp_path: Path) -> None:
    def database() -> Database:
        return Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")

    async def prepared() -> dict[str, list[dict[str, Any]]]:
        made = database()
        await made.upgrade()
        await seed_demo(made, NOON)
        before = await dump(made)
        await wipe(made)
        await made.close()
        return before

    async def found() -> dict[str, list[dict[str, Any]]]:
        made = database()
        after = await dump(made)
        await made.close()
        return after

    before = asyncio.run(prepared())
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "db", "rebuild"],
        env={**os.environ, "SWITCHROOM_HOME": str(tmp_path)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "made anew from" in done.stdout
    assert asyncio.run(found()) == before
