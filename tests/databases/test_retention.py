"""Each kind of record is kept for its time and no longer, but for what is under a legal hold."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, text

from server.housekeeping import Housekeeping
from switchroom.domain import events as ev
from switchroom.domain.hold import Hold, HoldSubject
from switchroom.domain.ids import AgentId, ContactId, CustomerId
from switchroom.domain.ticket import TicketState
from switchroom.runtime.settings import PROJECT, Settings
from switchroom.runtime.settings import Retention as Days
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.erasure import Elsewhere
from switchroom.storage.event_log import EventLog
from switchroom.storage.holds import Holds
from switchroom.storage.rebuild import rebuild
from switchroom.storage.retention import Kind, Retention
from switchroom.storage.tables import contacts, events, metadata, personal_data, recordings, tickets
from switchroom.storage.tickets import Tickets
from tests.fakes.clock import FakeClock
from tests.fixtures.kept_contacts import NOON, SHANGHAI, Keeper, path_of
from tests.support.brands import SHOP

DAYS = Days(
    menu_inputs_days=10,
    recordings_days=20,
    personal_data_days=30,
    tickets_days=40,
    events_days=50,
    contacts_days=60,
)
AGES = (5, 15, 25, 35, 45, 55, 65)
"""One contact older than each limit but the next."""


class Disk:
    """`switchroom.storage.erasure.Elsewhere` over a folder; what is ``stuck`` cannot be deleted."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.stuck: set[str] = set()

    async def settle(self, contact_ids: Collection[ContactId], numbers: Collection[str]) -> None:
        pass

    async def delete_audio(self, paths: Collection[str]) -> None:
        for path in paths:
            if path in self.stuck:
                raise PermissionError(path)
            (self.files / path).unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "files")


@pytest.fixture
def keeper(database: Database, disk: Disk) -> Keeper:
    return Keeper(database, disk.files)


def retention(database: Database, disk: Elsewhere, days: Days = DAYS, **more: Any) -> Retention:
    return Retention(database, disk, days, SHANGHAI, **more)


async def of_all_ages(keeper: Keeper, customer: CustomerId | None = None) -> None:
    """Oldest first, as it happened."""
    for age in sorted(AGES, reverse=True):
        await keeper.contact(f"aged-{age}", NOON - timedelta(days=age), customer=customer)
        await keeper.write(
            [ev.AgentStateChanged(at=NOON - timedelta(days=age), agent_id=AgentId("1001"), state=ev.AgentState.PAUSED)]
        )


async def dump(database: Database) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with database.read() as connection:
        for table in metadata.sorted_tables:
            rows = await connection.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [dict(row._mapping) for row in rows]
    return found


async def there(database: Database, disk: Disk) -> dict[str, set[int]]:
    """Of which ages there is what."""
    async with database.read() as connection:
        rows = (await connection.execute(select(contacts))).all()
        log = set(await connection.scalars(select(events.c.contact_id).where(events.c.contact_id.is_not(None))))
        apart = (await connection.execute(select(personal_data.c.contact_id, personal_data.c.kind))).all()
        voices = set(await connection.scalars(select(recordings.c.contact_id)))
        cases = set(await connection.scalars(select(tickets.c.contact_id)))

    def ages(found: Collection[str]) -> set[int]:
        return {int(contact_id.removeprefix("aged-")) for contact_id in found}

    return {
        "contacts": ages({row.contact_id for row in rows}),
        "inputs": ages({row.contact_id for row in rows if row.inputs or row.collected}),
        "persons": ages({row.contact_id for row in rows if row.caller or row.customer_id}),
        "inputs apart": ages({row.contact_id for row in apart if row.kind == ev.Personal.INPUT}),
        "persons apart": ages({row.contact_id for row in apart if row.kind == ev.Personal.PERSON}),
        "voices apart": ages({row.contact_id for row in apart if row.kind == ev.Personal.VOICE}),
        "recordings": ages(voices),
        "files": {age for age in AGES if (disk.files / path_of(f"aged-{age}")).exists()},
        "tickets": ages(cases),
        "events": ages(log),
    }


KEPT = {
    "contacts": {5, 15, 25, 35, 45, 55},
    "inputs": {5},
    "persons": {5, 15, 25},
    "inputs apart": {5},
    "persons apart": {5, 15, 25},
    "voices apart": {5, 15},
    "recordings": {5, 15},
    "files": {5, 15},
    "tickets": {5, 15, 25, 35},
    "events": {5, 15, 25, 35, 45},
}


async def test_given_contacts_of_all_ages_when_run_then_each_kind_of_record_is_there_for_its_time(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    await of_all_ages(keeper)
    counted = await retention(database, disk, dry_run=True).run(NOON)
    assert await there(database, disk) == {what: set(AGES) for what in KEPT}, "a dry run deletes nothing"
    done = await retention(database, disk).run(NOON)
    assert (
        counted
        == done
        == {
            Kind.MENU_INPUTS: 6,
            Kind.RECORDINGS: 5,
            Kind.PERSONAL_DATA: 4,
            Kind.TICKETS: 3,
            Kind.EVENTS: 18,
            Kind.CONTACTS: 1,
        }
    )
    assert await there(database, disk) == KEPT
    before = await dump(database)
    assert set((await retention(database, disk).run(NOON)).values()) == {0}
    assert await dump(database) == before, "a second run finds nothing to do"


async def test_given_a_run_when_rebuilt_then_what_is_gone_stays_gone(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    await of_all_ages(keeper)
    await retention(database, disk).run(NOON)
    before = await dump(database)
    await rebuild(database, SHANGHAI)
    assert await dump(database) == before


async def test_given_zero_days_then_that_kind_is_kept(database: Database, keeper: Keeper, disk: Disk) -> None:
    await of_all_ages(keeper)
    for_ever = Days(**dict.fromkeys([f"{kind}_days" for kind in Kind], 0))
    before = await dump(database)
    assert set((await retention(database, disk, for_ever).run(NOON)).values()) == {0}
    assert await dump(database) == before


def test_given_records_that_would_outlast_their_contact_then_the_setting_is_named() -> None:
    with pytest.raises(ValidationError, match="events_days may not outlast contacts_days"):
        Days(contacts_days=100, events_days=0, recordings_days=10, personal_data_days=10, menu_inputs_days=10)


async def test_given_a_limit_of_days_then_it_is_a_midnight_of_the_business(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    midnight = NOON - timedelta(hours=12)
    await keeper.contact("after", midnight - timedelta(days=60))
    await keeper.contact("before", midnight - timedelta(days=60, seconds=1))
    await retention(database, disk).run(NOON)
    assert await Contacts(database).get(ContactId("after")) is not None
    assert await Contacts(database).get(ContactId("before")) is None


async def test_given_a_contact_that_is_not_over_then_nothing_of_it_goes(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    long_ago = NOON - timedelta(days=49)
    await keeper.write(
        [ev.ContactEntered(at=long_ago, contact_id=ContactId("c"), number="400", caller="1", brand=SHOP.name)]
    )
    await retention(database, disk).run(NOON)
    live = await Contacts(database).get(ContactId("c"))
    assert live is not None and live.caller == "1"


async def test_given_a_ticket_that_is_open_then_it_stays(database: Database, keeper: Keeper, disk: Disk) -> None:
    await keeper.contact("c", NOON - timedelta(days=59))
    desk = Tickets(database)
    [ticket] = await desk.latest()
    still_open = await desk.open(
        contact_id=ContactId("d"), subject="s", at=NOON - timedelta(days=59), agent_id=None, customer_id=None
    )
    await retention(database, disk).run(NOON)
    assert await desk.get(ticket.id) is None
    kept = await desk.get(still_open.id)
    assert kept is not None and kept.state is TicketState.OPEN


async def test_given_a_run_that_broke_off_then_nothing_is_lost_and_the_next_one_goes_on(
    database: Database, keeper: Keeper, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await of_all_ages(keeper)
    broken = retention(database, disk)

    async def breaks(*_: object) -> int:
        raise ConnectionError("the database went away")

    monkeypatch.setattr(broken, "_tickets", breaks)
    with pytest.raises(ConnectionError):
        await broken.run(NOON)
    half_way = await there(database, disk)
    assert (half_way["inputs"], half_way["tickets"], half_way["events"]) == ({5}, set(AGES), set(AGES))
    await retention(database, disk).run(NOON)
    assert await there(database, disk) == KEPT


async def test_given_a_recording_that_cannot_be_deleted_then_its_row_stays_and_the_others_go(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    await of_all_ages(keeper)
    disk.stuck.add(path_of("aged-55"))
    assert (await retention(database, disk).run(NOON))[Kind.RECORDINGS] == 4
    assert (await there(database, disk))["recordings"] == {5, 15, 55}
    disk.stuck.clear()
    assert (await retention(database, disk).run(NOON))[Kind.RECORDINGS] == 1
    assert await there(database, disk) == KEPT


async def test_given_recordings_of_another_server_then_that_one_deletes_them(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    await keeper.contact("aged-25", NOON - timedelta(days=25), server="west")
    assert (await retention(database, disk, server="east").run(NOON))[Kind.RECORDINGS] == 0
    assert (await there(database, disk))["files"] == {25}
    assert (await retention(database, disk, server="west").run(NOON))[Kind.RECORDINGS] == 1
    assert (await there(database, disk))["files"] == set()


def hold(subject: HoldSubject, subject_id: str, **more: Any) -> Hold:
    return Hold(subject=subject, subject_id=subject_id, reason="case 7", placed_by="anna", placed_at=NOON, **more)


async def test_given_a_held_contact_when_run_then_everything_of_it_stays_until_the_hold_ends(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    await of_all_ages(keeper)
    held = hold(HoldSubject.CONTACT, "aged-65", until=NOON + timedelta(days=1))
    await Holds(database).place(held)
    await retention(database, disk).run(NOON)
    assert await there(database, disk) == {what: ages | {65} for what, ages in KEPT.items()}
    told = await EventLog(database).of_contact(ContactId("aged-65"))
    assert len(told) == 8 and told[0].data["caller"] == "13800138000"
    before = await dump(database)
    await rebuild(database, SHANGHAI)
    assert await dump(database) == before

    await retention(database, disk).run(NOON + timedelta(days=1))
    assert await there(database, disk) == KEPT


async def test_given_a_held_customer_when_run_then_their_contacts_stay_also_those_as_a_stranger(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    wang = await Customers(database).add(name="Wang", phones=["13800138000"])
    await keeper.contact("aged-65", NOON - timedelta(days=65))
    await keeper.contact("aged-55", NOON - timedelta(days=55), caller="+8613800138000", customer=wang)
    await keeper.contact("aged-45", NOON - timedelta(days=45), caller="13800138001")
    await Holds(database).place(hold(HoldSubject.CUSTOMER, wang))
    await retention(database, disk).run(NOON)
    found = await there(database, disk)
    assert found["inputs"] == found["persons"] == found["files"] == found["tickets"] == {55, 65}
    assert found["contacts"] == found["events"] == {45, 55, 65}

    assert await Holds(database).release(HoldSubject.CUSTOMER, wang, by="anna", at=NOON)
    await retention(database, disk).run(NOON)
    assert (await there(database, disk))["contacts"] == {45, 55}


async def test_given_a_hold_that_is_placed_while_it_runs_then_it_counts_from_the_next_batch(
    database: Database, keeper: Keeper, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await of_all_ages(keeper)
    run = retention(database, disk)
    tickets_step = run._tickets

    async def placing(*arguments: Any) -> int:
        await Holds(database).place(hold(HoldSubject.CONTACT, "aged-65"))
        return await tickets_step(*arguments)

    monkeypatch.setattr(run, "_tickets", placing)
    await run.run(NOON)
    found = await there(database, disk)
    assert found["contacts"] == KEPT["contacts"] | {65}
    assert found["tickets"] == KEPT["tickets"] | {65}


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite has no partitions
async def test_given_months_that_are_over_when_run_then_postgresql_drops_them_whole_but_for_a_held_one(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    for contact_id, months in (("aged-65", 5), ("aged-55", 4), ("aged-5", 0)):
        await keeper.contact(contact_id, NOON - timedelta(days=30 * months))
    await Holds(database).place(hold(HoldSubject.CONTACT, "aged-55"))
    await retention(database, disk).run(NOON)
    async with database.read() as connection:
        names = await connection.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass")
        )
        apart = await connection.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'personal_data'::regclass")
        )
        assert sorted(names) == ["events_2025_09", "events_2026_01", "events_2026_02"]
        months = sorted(name.removeprefix("personal_data_") for name in apart)
        assert months == ["2025_09", "2026_01", "2026_02"]
    assert len(await EventLog(database).of_contact(ContactId("aged-55"))) == 8
    assert await EventLog(database).of_contact(ContactId("aged-65")) == []


async def test_given_the_server_then_it_runs_once_a_day_after_the_time_that_is_set(
    database: Database, keeper: Keeper, tmp_path: Path
) -> None:
    clock = FakeClock(NOON - timedelta(hours=9))  # 03:00 in Shanghai
    settings = Settings(home=tmp_path, recordings=keeper.files, retention=DAYS)
    await of_all_ages(keeper)
    house = Housekeeping(settings, database, clock)
    assert await house.look() is None, "not yet"
    clock.advance(1800)
    first = await house.look()
    assert first is not None and first[Kind.CONTACTS] == 1
    assert not (keeper.files / path_of("aged-25")).exists()
    assert await house.look() is None, "once a day"
    assert await Housekeeping(settings, database, clock).look() is None, "also after a restart"
    clock.advance(86_400)
    assert await house.look() is not None


@pytest.mark.thorough
def test_given_the_command_when_dry_then_it_counts_and_when_not_it_deletes(tmp_path: Path) -> None:
    async def prepare() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
        await database.upgrade()
        await Keeper(database, tmp_path / "files").contact("old", NOON - timedelta(days=9))
        await database.close()

    async def count() -> int:
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
        async with database.read() as connection:
            found = await connection.scalar(select(func.count()).select_from(contacts))
        await database.close()
        return found or 0

    def command(*words: str) -> str:
        days = dict.fromkeys([f"SWITCHROOM_RETENTION__{kind}_DAYS".upper() for kind in Kind], "1")
        done = subprocess.run(
            [sys.executable, "-m", "server.cli", "retention", *words],
            env={
                **os.environ,
                **days,
                "SWITCHROOM_HOME": str(tmp_path),
                "SWITCHROOM_RECORDINGS": str(tmp_path / "files"),
            },
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    asyncio.run(prepare())
    assert "contacts               1 due, kept 1 days" in command("--dry-run")
    assert asyncio.run(count()) == 1
    assert "contacts               1 deleted, kept 1 days" in command()
    assert asyncio.run(count()) == 0
    assert not (tmp_path / "files" / path_of("old")).exists()
