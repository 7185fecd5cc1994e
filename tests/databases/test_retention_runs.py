"""A run of the retention: broken off, with files that cannot be deleted, once a day by the server, by command."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.housekeeping import Housekeeping
from switchroom.runtime.settings import PROJECT, Settings
from switchroom.storage.database import Database
from switchroom.storage.retention import Kind
from switchroom.storage.tables import contacts
from tests.fakes.clock import FakeClock
from tests.fixtures.aged_contacts import AGES, DAYS, KEPT, Disk, of_all_ages, retention, there
from tests.fixtures.kept_contacts import NOON, Keeper, path_of


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
