"""Two servers, each with an Asterisk of its own, on one PostgreSQL and one Redis: neither loses or ends the other's."""

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select

from demo.scenario import LI_QIANG, STRANGER, WANG_FANG
from demo.system import until
from switchroom.storage.database import Database
from switchroom.storage.tables import events, tickets
from tests.e2e.whole_system import asks_for_returns, newest_call, own_settings, seat, until_call, whole_system
from tests.fixtures.postgres import running_postgres
from tests.fixtures.redis import RedisServer

EAST_AGENT, WEST_AGENT = "1001", "1004"
"""Both serve returns; each sits at a phone of one server."""


@pytest.mark.timeout(240)
async def test_given_two_servers_on_one_database_when_one_is_killed_then_the_others_calls_go_on_and_all_is_kept(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    redis = RedisServer(short_home)
    with running_postgres() as postgres, contextlib.ExitStack() as stack:
        stack.callback(redis.stop)
        monkeypatch.setenv("SWITCHROOM_DATABASE_URL", postgres.url)
        monkeypatch.setenv("SWITCHROOM_REDIS_URL", redis.url)
        homes = {name: short_home / name for name in ("east", "west")}
        for home in homes.values():
            home.mkdir()
        monkeypatch.setenv("SWITCHROOM_SERVER_NAME", "east")
        east_settings = own_settings(monkeypatch, homes["east"])
        async with whole_system(east_settings) as east:
            for shared in ("secrets", "demo-accounts.json"):  # one user has one password, wherever they log in
                copy = shutil.copytree if (homes["east"] / shared).is_dir() else shutil.copy
                copy(homes["east"] / shared, homes["west"] / shared)
            monkeypatch.setenv("SWITCHROOM_SERVER_NAME", "west")
            async with (
                whole_system(own_settings(monkeypatch, homes["west"])) as west,
                seat(east.stage, EAST_AGENT, answer_after_s=0.2),
                seat(west.stage, WEST_AGENT, answer_after_s=0.2) as at_west,
            ):
                talking_east = await asks_for_returns(east.stage, east.board, WANG_FANG)
                talking_west = await asks_for_returns(west.stage, west.board, LI_QIANG)
                for board, caller in ((east.board, WANG_FANG), (west.board, LI_QIANG)):
                    await until_call(board, caller, lambda found: bool(found.get("answered_at")), "answered")
                waiting_west = await asks_for_returns(west.stage, west.board, STRANGER)
                await until_call(west.board, STRANGER, lambda found: bool(found.get("enqueued_at")), "in line")

                await east.system.kill_server()
                await east.system.start_server()
                assert [call.ended_at for call in (talking_east, talking_west, waiting_west)] == [None] * 3
                assert (await at_west.state())["state"] == "busy"
                for caller in (LI_QIANG, STRANGER):
                    assert (await newest_call(west.board, caller))["outcome"] is None

                talking_west.hang_up()
                talking_east.hang_up()
                await until_call(west.board, STRANGER, lambda found: bool(found.get("answered_at")), "served next")
                waiting_west.hang_up()
                await until(lambda: all(c.ended_at for c in (talking_east, talking_west, waiting_west)), "all over")
                for caller in (WANG_FANG, LI_QIANG, STRANGER):
                    await until_call(
                        west.board, caller, lambda found: bool(found["outcome"] and found["ticket_id"]), "booked"
                    )
                    assert (await newest_call(west.board, caller))["outcome"] == "connected"
                booked = [(await newest_call(west.board, one))["contact_id"] for one in (WANG_FANG, LI_QIANG, STRANGER)]
                await _each_once(postgres.url, booked)


async def _each_once(url: str, contacts: Sequence[str]) -> None:
    """Every event of both servers is in the log once; one ticket for each contact."""
    database = Database(url)
    try:
        async with asyncio.timeout(10), database.read() as connection:
            rows = (await connection.execute(select(events.c.server, events.c.boot, events.c.number))).all()
            opened = await connection.scalar(
                select(func.count()).select_from(tickets).where(tickets.c.contact_id.in_(contacts))
            )
    finally:
        await database.close()
    assert max(Counter(rows).values()) == 1
    assert {row.server for row in rows} >= {"east", "west"}
    assert opened == len(contacts)
