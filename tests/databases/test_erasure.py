"""A person who is erased is found in no table any more, by no form of their number; others stay as they are."""

import asyncio
import os
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.elsewhere import Elsewhere
from server.housekeeping import Housekeeping
from softswitch_config.render import Folders
from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome, Requirements
from switchroom.domain.errors import Refused
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import AgentId, ContactId, CustomerId, QueueName
from switchroom.runtime.bus import Bus
from switchroom.runtime.home import claim
from switchroom.runtime.settings import PROJECT, Settings
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.erasure import Erasure
from switchroom.storage.event_log import EventLog
from switchroom.storage.ledger import Ledger
from switchroom.storage.rebuild import rebuild
from switchroom.storage.recordings import Recordings
from switchroom.storage.seed import seed_demo
from switchroom.storage.tables import events, metadata
from switchroom.storage.tickets import Tickets
from tests.fakes.clock import FakeClock
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
NAME, OTHER_NAME = "欧阳 Xanthippe", "诸葛亮"
NUMBER, OTHER_NUMBER = "13977712345", "13977799999"
ORDER = "77120345"
FORMS = (NUMBER, f"+86{NUMBER}", f"0086{NUMBER}", f"0{NUMBER}")
HOSTILE = (
    "139 7771 23 45",
    "(+86) 139-7771-2345",
    "１３９７７７１２３４５",
    "＋８６　１３９－７７７１－２３４５",
    "139\u200b7771\u200b2345",
    "1 3 9 7 7 7 1 2 3 4 5",
    "+86.139.7771.2345",
    "0086 139\u00a07771\u20112345",
)
"""How people write the number into notes, and what copying makes of it."""


async def dump(database: Database) -> str:
    """Every value of every table, as people would read it."""
    lines = []
    async with database.read() as connection:
        for table in metadata.sorted_tables:
            for row in await connection.execute(select(table)):
                lines.append(f"{table.name} {dict(row._mapping)!r}")
    return "\n".join(lines)


async def a_call(
    bus: Bus, contact_id: str, caller: str, customer: CustomerId | None, name: str | None, *, over: bool = True
) -> None:
    call, agent = ContactId(contact_id), AgentId("1001")
    needs = Requirements(queue=QueueName("returns"), skills={}, tier=CustomerTier.GOLD)
    collected = {"order_number": ORDER, "callback": caller}
    for event in (
        ev.ContactEntered(at=NOON, contact_id=call, number="4008123123", caller=caller, brand=SHOP.name),
        ev.CustomerIdentified(at=NOON, contact_id=call, customer_id=customer, tier=CustomerTier.GOLD, name=name),
        ev.InputTaken(at=NOON, contact_id=call, node="main", kind=ev.InputKind.SPEECH, value=f"我是{name}"),
        ev.InputTaken(at=NOON, contact_id=call, node="order", kind=ev.InputKind.DTMF, value=ORDER),
        ev.MenuInput(at=NOON, contact_id=call, number=9, kind="found", received={"turn": 3, "record": {"no": ORDER}}),
        ev.ContactQueued(at=NOON, contact_id=call, requirements=needs, enqueued_at=NOON, collected=collected),
        ev.ContactAdopted(
            at=NOON,
            contact_id=call,
            number="4008123123",
            caller=caller,
            brand=SHOP.name,
            entered_at=NOON,
            state=CallState.CONNECTED,
        ),
        ev.ContactConnected(at=NOON, contact_id=call, agent_id=agent),
        ev.TicketFailed(at=NOON, contact_id=call, agent_id=agent, reason=f"{name} at {caller} owes us money"),
    ):
        bus.publish(event)
    if over:
        bus.publish(ev.ContactEnded(at=NOON, contact_id=call, outcome=Outcome.CONNECTED, agent_id=agent))
        bus.publish(
            ev.RecordingReady(
                at=NOON,
                contact_id=call,
                agent_id=agent,
                path=f"2026/01/08/{call}-{agent}-200000.wav",
                seconds=3.0,
                left_rms=0.1,
                right_rms=0.1,
            )
        )


async def two_people(database: Database, *, over: bool = True) -> tuple[CustomerId, CustomerId]:
    """Who goes and who stays: each with calls, tickets and orders; the first called as a stranger before."""
    customers, desk = Customers(database), Tickets(database)
    one = await customers.add(name=NAME, phones=[NUMBER], email="x@example.com")
    two = await customers.add(
        name=OTHER_NAME, phones=[OTHER_NUMBER], note=f"his wife is at {'; '.join(HOSTILE)}; {ORDER}"
    )
    bus = Bus()
    ledger = Ledger(database, bus, FakeClock(NOON))
    await ledger.start()
    for at, form in enumerate(FORMS):
        await a_call(bus, f"before-{one}-{at}", form, None, None)
    await a_call(bus, f"known-{one}", f"+86{NUMBER}", one, NAME, over=over)
    await a_call(bus, f"other-{two}", OTHER_NUMBER, two, OTHER_NAME)
    told = ev.InputTaken(
        at=NOON, contact_id=ContactId(f"other-{two}"), node="callback", kind=ev.InputKind.DTMF, value=NUMBER
    )
    bus.publish(told)
    await ledger.flush()
    await ledger.stop()
    for contact_id, customer, who in ((f"known-{one}", one, NAME), (f"other-{two}", two, OTHER_NAME)):
        await desk.open(
            contact_id=ContactId(contact_id),
            subject=f"退货 · {ORDER} · {who}",
            at=NOON,
            agent_id=AgentId("1001"),
            customer_id=customer,
            note=f"{who} rings again",
        )
    return one, two


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


def assert_clean(left: str) -> None:
    digits = unicodedata.normalize("NFKC", "".join(c for c in left if c.isalnum()))
    assert NAME not in left
    assert NUMBER not in digits


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


async def test_given_recordings_when_their_person_is_erased_then_finished_and_unfinished_files_are_gone(
    database: Database, tmp_path: Path
) -> None:
    one, two = await two_people(database)
    settings = Settings(home=tmp_path / "home", recordings=tmp_path / "recordings")
    spool = Folders.of(settings).monitor
    finished = [settings.recordings / f"2026/01/08/{who}-1001-200000.wav" for who in (f"known-{one}", f"other-{two}")]
    raw = [spool / f"{who}-1001-1767873600.raw" for who in (f"known-{one}", f"other-{two}")]
    # What a server that died left of a file that it was finishing: 1767873600 is 20:00 in Shanghai.
    partial = settings.recordings / f"2026/01/08/known-{one}-1001-200000.part"
    for path in (*finished, *raw, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"voice")
    erased = await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one)
    assert erased is not None and erased.recordings == len(FORMS) + 1
    assert [path.exists() for path in (*finished, *raw, partial)] == [False, True, False, True, False]


async def test_given_a_recording_on_another_servers_disk_when_erased_then_that_server_deletes_it(
    database: Database, tmp_path: Path
) -> None:
    one, _ = await two_people(database)  # on the server `main`
    here, there = (
        Settings(home=tmp_path / name, recordings=tmp_path / name / "recordings", server_name=name)
        for name in ("west", "main")
    )
    file = there.recordings / f"2026/01/08/known-{one}-1001-200000.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"voice")
    assert await Erasure(database, FakeClock(NOON), Elsewhere(here), server="west").erase(one) is not None
    assert file.exists()
    for settings in (here, there):
        await Housekeeping(settings, database, FakeClock(NOON)).delete_owed()
    assert not file.exists()
    assert await Recordings(database).owed_deletions("main") == []


async def test_given_a_recording_that_cannot_be_deleted_when_erased_then_nothing_is(
    database: Database, tmp_path: Path
) -> None:
    one, _ = await two_people(database)
    settings = Settings(home=tmp_path / "home", recordings=tmp_path / "recordings")
    (settings.recordings / f"2026/01/08/known-{one}-1001-200000.wav").mkdir(parents=True)
    before = await dump(database)
    with pytest.raises(OSError):
        await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one)
    assert await dump(database) == before


async def test_given_a_journal_that_names_them_when_erased_then_it_is_refused_until_it_is_booked(
    database: Database, tmp_path: Path
) -> None:
    one, _ = await two_people(database)
    settings = Settings(home=tmp_path / "home", recordings=tmp_path / "recordings")
    journal = Folders.of(settings).journal
    taken = journal.with_name(f"{journal.name}.17.taken")
    taken.parent.mkdir(parents=True)
    line = f"c9|4008123123|+86{NUMBER}|2026-01-08T11:00:00+00:00|2026-01-08T11:01:00+00:00||||"
    for file in (journal, taken):
        file.write_text(f'"{{""extra"":""{line}""}}"\n', encoding="utf-8")
        before = await dump(database)
        with pytest.raises(Refused, match="journal"):
            await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one)
        assert await dump(database) == before
        file.unlink()
    assert await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one) is not None


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
