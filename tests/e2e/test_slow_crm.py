"""A customer database that does not answer, on the whole system: the caller becomes a stranger, and is served."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from demo.desk import Desk
from demo.people import Stage
from demo.scenario import WANG_FANG
from demo.system import System
from demo.voices import record_voices
from tests.e2e.whole_system import asks_for_returns, newest_call, own_settings, until_call
from tests.fixtures.postgres import running_postgres


@pytest.fixture
async def system(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> AsyncIterator[System]:
    with running_postgres() as postgres:
        monkeypatch.setenv("SWITCHROOM_DATABASE_URL", postgres.url)
        system = System(own_settings(monkeypatch, short_home))
        try:
            yield system
        finally:
            await system.stop()


def first(board: Desk, kind: str) -> dict[str, object]:
    return next(told.data for told in board.told if told.type == kind)


@pytest.mark.timeout(150)
async def test_given_customers_that_cannot_be_read_then_the_caller_is_served_as_a_stranger_and_known_the_next_time(
    system: System, short_home: Path
) -> None:
    stage = Stage(await system.start(), record_voices(short_home / "voices"))
    try:
        agent = await stage.agent("1001", voice="agent-zh", closes_as="resolved")
        board = await stage.supervisor()
        # What a long maintenance job on the customers would do. Tickets, which refer to them, wait as well.
        lock = await asyncpg.connect(os.environ["SWITCHROOM_DATABASE_URL"].replace("+asyncpg", ""))
        await lock.execute("BEGIN; LOCK TABLE customers, customer_phones, orders IN ACCESS EXCLUSIVE MODE")
        try:
            call = await asks_for_returns(stage, board, WANG_FANG)
            await until_call(board, WANG_FANG, lambda found: bool(found.get("answered_at")), "answered")
            found = await newest_call(board, WANG_FANG)
            assert (found["customer_id"], found["tier"], found["agent_id"]) == (None, "standard", "1001")
            assert first(board, "switchroom.customer.identified")["customer_id"] is None
            pop = agent.desk.pops()[0]
            assert (pop.data["customer"], pop.data["phone"]) == (None, "138****8000")
            assert pop.arrived_at < agent.phone.history[0].rang_at  # type: ignore[operator]  # it has rung
        finally:
            await lock.execute("ROLLBACK")
            await lock.close()
        await until_call(board, WANG_FANG, lambda found: bool(found.get("ticket_id")), "ticket")
        call.hang_up()
        await until_call(board, WANG_FANG, lambda found: found.get("outcome") == "connected", "ended")
        again = await asks_for_returns(stage, board, WANG_FANG)
        await until_call(board, WANG_FANG, lambda found: found.get("tier") == "gold", "known again")
        again.hang_up()
        log = system.log.read_text(encoding="utf-8")
        assert WANG_FANG not in log
    finally:
        await stage.close()


SLOW = """
CREATE OR REPLACE FUNCTION slowed(text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN PERFORM pg_sleep({seconds}); RETURN true; END $$;
ALTER TABLE customer_phones RENAME TO customer_phones_kept;
CREATE VIEW customer_phones AS SELECT * FROM customer_phones_kept WHERE slowed(phone);
"""


async def slow_down(seconds: float) -> None:
    """Every look at a customer's number takes so long from now on."""
    connection = await asyncpg.connect(os.environ["SWITCHROOM_DATABASE_URL"].replace("+asyncpg", ""))
    phones = await connection.fetchval("SELECT count(*) FROM customer_phones")
    await connection.execute(SLOW.format(seconds=seconds / phones))
    await connection.close()


@pytest.mark.timeout(150)
@pytest.mark.parametrize("seconds", [0.7, 4.0])
async def test_given_a_customer_who_is_known_late_then_they_wait_with_their_own_tier_and_the_time_waited(
    system: System, short_home: Path, seconds: float
) -> None:
    stage = Stage(await system.start(), record_voices(short_home / "voices"))
    try:
        board = await stage.supervisor()
        await slow_down(seconds)
        await asks_for_returns(stage, board, WANG_FANG)
        await until_call(board, WANG_FANG, lambda found: bool(found.get("enqueued_at")), "in line")
        came = (await newest_call(board, WANG_FANG))["enqueued_at"]
        await until_call(board, WANG_FANG, lambda found: found["tier"] == "gold", "ranked as gold")
        found = await newest_call(board, WANG_FANG)
        assert (found["enqueued_at"], found["queue"]) == (came, "returns")
        agent = await stage.agent("1001", voice="agent-zh", closes_as="resolved")
        await until_call(board, WANG_FANG, lambda found: bool(found.get("answered_at")), "answered")
        assert agent.desk.pops()[-1].data["tier"] == "gold"
    finally:
        await stage.close()
