"""Those who write at the same time: each in turn, and nobody who is cancelled leaves anything behind."""

import asyncio
import random
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select, text

from switchroom.runtime.background import end_all_others
from switchroom.storage.database import Database
from tests.fixtures.sqlite import migrated
from tests.support.waiting import eventually

WRITERS = 30
lines = Table("lines", MetaData(), Column("writer", Integer, nullable=False), Column("line", Integer, nullable=False))


@pytest.fixture
async def paper(database: Database) -> Database:
    async with database.write() as connection:
        await connection.run_sync(lines.metadata.create_all)
    return database


async def test_given_many_who_write_to_sqlite_then_none_waits_for_those_who_came_later(tmp_path: Path) -> None:
    paper = await migrated(tmp_path / "switchroom.db")
    began: list[int] = []

    async def write(writer: int) -> None:
        async with paper.write() as connection:
            began.append(writer)
            await connection.execute(text("SELECT 1"))

    writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
    await asyncio.gather(*writers)
    await paper.close()
    assert began == list(range(WRITERS))


async def test_given_writers_that_are_cancelled_anywhere_and_again_then_nothing_of_them_is_left(
    paper: Database,
) -> None:
    dice = random.Random(7)

    async def write(writer: int) -> None:
        while True:
            async with paper.write() as connection:
                for line in range(2):  # both or none
                    await connection.execute(insert(lines), [{"writer": writer, "line": line}])
                    await asyncio.sleep(dice.random() / 1000)

    async def written() -> list[tuple[int, int]]:
        by_line = select(lines.c.line, func.count()).group_by(lines.c.line)
        async with paper.read() as connection:
            return [(row.line, row.count) for row in await connection.execute(by_line)]

    for _ in range(10):
        writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
        await asyncio.sleep(dice.random() / 50)
        for _ in range(2):
            for task in writers:
                task.cancel()
            await asyncio.sleep(dice.random() / 200)
        await asyncio.wait(writers)
        async with asyncio.timeout(5), paper.write() as connection:
            await connection.execute(insert(lines), [{"writer": -1, "line": line} for line in range(2)])
    [(_, first), (_, second)] = await written()
    assert first == second >= 10


async def test_given_a_writer_that_is_cancelled_before_it_has_its_row_then_it_holds_no_lock(paper: Database) -> None:
    """What it asked for lives on in the traceback of whoever keeps it."""
    asked = insert(lines).values(writer=1, line=0).returning(lines.c.line)

    async def write() -> None:
        async with paper.write() as connection:
            for _ in range(100):
                await connection.execute(asked)

    kept: list[BaseException] = []
    for turns in range(20):
        task = asyncio.create_task(write())
        async with asyncio.timeout(5):
            await asyncio.sleep(turns / 1000)
            task.cancel()
            kept += [why for why in await asyncio.gather(task, return_exceptions=True) if why is not None]
            async with paper.write() as connection:
                await connection.execute(insert(lines), [{"writer": -1, "line": 0}])
    assert kept


async def test_given_a_closing_that_waits_for_a_thread_that_is_gone_then_the_loop_ends_all_the_same() -> None:
    thread_is_gone = asyncio.get_running_loop().create_future()

    async def close() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await thread_is_gone  # as aiosqlite does

    closing = asyncio.create_task(close())
    await eventually(lambda: closing.get_coro().cr_await is not None)  # type: ignore[union-attr]
    async with asyncio.timeout(5):
        await end_all_others()
    assert closing.done()
