"""A person who is erased is found in no table any more, by no form of their number; others stay as they are."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from switchroom.domain import events as ev
from switchroom.domain.contact import CustomerTier, Outcome
from switchroom.domain.errors import Refused
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import ContactId
from switchroom.runtime.bus import Bus
from switchroom.runtime.home import claim
from switchroom.runtime.settings import PROJECT
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.erasure import Erasure
from switchroom.storage.event_log import EventLog
from switchroom.storage.ledger import Ledger
from switchroom.storage.rebuild import rebuild
from switchroom.storage.recordings import Recordings
from switchroom.storage.seed import seed_demo
from switchroom.storage.tables import events
from switchroom.storage.tickets import Tickets
from tests.fakes.clock import FakeClock
from tests.fixtures.two_people import (
    FORMS,
    NAME,
    NOON,
    NUMBER,
    ORDER,
    OTHER_NAME,
    OTHER_NUMBER,
    a_call,
    assert_clean,
    dump,
    two_people,
)
from tests.support.brands import SHOP


async def test_given_a_person_with_calls_when_erased_then_no_table_knows_name_number_or_input(
    database: Database, tmp_path: Path
) -> None:
    one, two = await two_people(database)
    erased = await Erasure(database, FakeClock(NOON)).erase(one)
    assert erased is not None
    assert (len(erased.calls), erased.tickets) == (len(FORMS) + 1, 1)
    left = await dump(database)
    assert_clean(left)
    assert "x@example.com" not in left
    for line in left.splitlines():
        assert ORDER not in line or OTHER_NAME in line or f"other-{two}" in line, line
    files = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.glob("switchroom.db*")))
    assert b"Xanthippe" not in files
    assert NUMBER.encode() not in files

    assert (await Customers(database).by_phone(OTHER_NUMBER)) is not None
    stays = await Contacts(database).get(ContactId(f"other-{two}"))
    assert stays is not None
    assert (stays.caller, stays.customer_id, len(stays.inputs)) == (OTHER_NUMBER, two, 3)
    assert OTHER_NAME in left
    gone = await Contacts(database).get(ContactId(f"known-{one}"))
    assert gone is not None
    assert (gone.outcome, gone.queue, gone.caller, gone.customer_id) == (Outcome.CONNECTED, "returns", "", None)
    [ticket] = await Tickets(database).latest(customer_id=two)
    assert (ticket.subject, ticket.note) == (f"退货 · {ORDER} · {OTHER_NAME}", f"{OTHER_NAME} rings again")
    # Their id may be given to the next customer, to whom nothing of this belongs.
    assert await Contacts(database).latest(customer_id=one) == []
    assert await Erasure(database, FakeClock(NOON)).erase(one) is None


async def test_given_a_person_when_erased_then_the_log_is_as_it_was_and_reads_as_erased(database: Database) -> None:
    one, two = await two_people(database)

    async def log() -> list[dict[str, Any]]:
        async with database.read() as connection:
            return [dict(row._mapping) for row in await connection.execute(select(events).order_by(events.c.seq))]

    before = await log()
    assert NUMBER not in repr(before) and NAME not in repr(before) and ORDER not in repr(before)
    assert await Erasure(database, FakeClock(NOON)).erase(one) is not None
    assert await log() == before
    assert_clean(await dump(database))

    told = [entry.event() for entry in await EventLog(database).of_contact(ContactId(f"known-{one}"))]
    [entered] = [event for event in told if isinstance(event, ev.ContactEntered)]
    [identified] = [event for event in told if isinstance(event, ev.CustomerIdentified)]
    inputs = [event for event in told if isinstance(event, ev.InputTaken)]
    [queued] = [event for event in told if isinstance(event, ev.ContactQueued)]
    [ready] = [event for event in told if isinstance(event, ev.RecordingReady)]
    assert (entered.caller, entered.number, entered.brand) == ("", "4008123123", SHOP.name)
    assert (identified.customer_id, identified.name, identified.tier) == (None, None, CustomerTier.GOLD)
    assert [(taken.node, taken.value) for taken in inputs] == [("main", ""), ("order", "")]
    assert (queued.collected, ready.path, ready.seconds) == ({}, "", 3.0)

    # What is made anew from the log is made without them, and their recordings do not come back.
    await rebuild(database)
    assert_clean(await dump(database))
    assert await Recordings(database).of_contact(ContactId(f"known-{one}")) == []
    assert len(await Recordings(database).of_contact(ContactId(f"other-{two}"))) == 1


async def test_given_a_person_on_the_line_when_erased_then_it_is_refused_and_nothing_changes(
    database: Database,
) -> None:
    one, _ = await two_people(database, over=False)
    before = await dump(database)
    with pytest.raises(Refused, match="on the line"):
        await Erasure(database, FakeClock(NOON)).erase(one)
    assert await dump(database) == before


async def test_given_a_number_that_is_anothers_now_when_its_former_owner_is_erased_then_the_other_keeps_it(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
    await database.upgrade()
    one, two = await two_people(database)
    bus = Bus()
    ledger = Ledger(database, bus, FakeClock(NOON))
    await ledger.start()
    await a_call(bus, "moved", OTHER_NUMBER, one, NAME)
    await ledger.stop()
    await Erasure(database, FakeClock(NOON)).erase(one)
    assert (await Customers(database).by_phone(OTHER_NUMBER)) is not None
    kept, moved = [await Contacts(database).get(ContactId(call)) for call in (f"other-{two}", "moved")]
    assert isinstance(kept, ContactRecord)
    assert isinstance(moved, ContactRecord)
    assert (kept.caller, moved.caller, moved.customer_id) == (OTHER_NUMBER, "", None)
    assert NAME not in await dump(database)
    await database.close()


def switchroom(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *words],
        env={**os.environ, "SWITCHROOM_HOME": str(home)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.thorough
def test_given_the_command_when_a_customer_is_forgotten_then_it_says_so_once(tmp_path: Path) -> None:
    async def customer() -> Any:
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
        await database.upgrade()
        await seed_demo(database, NOON)
        found = await Customers(database).by_phone("13800138000")
        await database.close()
        return found

    found = asyncio.run(customer())
    done = switchroom(tmp_path, "customers", "forget", str(found.id))
    assert done.returncode == 0, done.stderr
    assert "erased" in done.stdout
    assert found.name not in done.stdout + done.stderr
    again = switchroom(tmp_path, "customers", "forget", "4242")
    assert (again.returncode, again.stderr.strip()) == (1, "switchroom: there is no customer 4242")


@pytest.mark.thorough
def test_given_a_server_on_this_home_when_a_customer_is_forgotten_by_command_then_it_names_the_servers_way(
    tmp_path: Path,
) -> None:
    with claim(tmp_path, "switchroom serve"):
        done = switchroom(tmp_path, "customers", "forget", "7")
    told = f"switchroom: a server runs on {tmp_path}: use its DELETE /api/v1/customers/7"
    assert (done.returncode, done.stderr.strip()) == (1, told)
