"""What is under a legal hold outlasts its time, until the hold ends."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from switchroom.domain.hold import Hold, HoldSubject
from switchroom.domain.ids import ContactId
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.event_log import EventLog
from switchroom.storage.holds import Holds
from switchroom.storage.rebuild import rebuild
from tests.fixtures.aged_contacts import KEPT, Disk, dump, of_all_ages, retention, there
from tests.fixtures.kept_contacts import NOON, SHANGHAI, Keeper


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
