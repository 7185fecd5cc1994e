"""Things that break under live calls, on the whole system: what callers keep, and what is kept of them."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from demo.desk import Desk
from demo.people import dial
from demo.scenario import CHINESE, LI_QIANG, STRANGER, WANG_FANG
from demo.system import until
from tests.e2e.whole_system import Running, asks_for_returns, newest_call, until_call


@pytest.mark.timeout(120)
async def test_given_a_locked_database_then_the_call_is_answered_and_served_and_nothing_of_it_is_lost(
    running: Running,
) -> None:
    lock = sqlite3.connect(running.system.settings.home / "switchroom.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        call = await dial(await running.stage.customer(WANG_FANG), CHINESE)
        phone = running.stage.agents["1001"].phone
        await until(lambda: _board_has(running.board, "main"), "the caller reaches the menu")
        call.press("2")
        await until(lambda: bool(phone.history and phone.history[0].answered_at), "the agent answers", 40)
        assert await running.board.get("contacts?live=true&limit=5") == []  # nothing could be written down yet
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    await until_call(running.board, WANG_FANG, lambda found: bool(found.get("ticket_id")), "ticket")
    found = await newest_call(running.board, WANG_FANG)
    assert found["path"] == ["welcome", "main", "returns"]
    assert found["agent_id"] == "1001"
    call.hang_up()
    await until_call(running.board, WANG_FANG, lambda found: found.get("outcome") == "connected", "ended")


def _board_has(board: Desk, node: str) -> bool:
    return any(told.type == "switchroom.node.visited" and told.data["node"] == node for told in board.told)


@pytest.mark.timeout(120)
async def test_given_asterisk_restarts_then_its_calls_are_over_and_the_next_one_is_served(running: Running) -> None:
    await running.talks(LI_QIANG)
    await asks_for_returns(running.stage, running.board, STRANGER)
    await until_call(running.board, STRANGER, lambda found: bool(found.get("enqueued_at")), "enqueued_at")
    await running.system.restart_asterisk()
    await until_call(running.board, LI_QIANG, lambda found: found.get("outcome") == "connected", "ended")
    await until_call(running.board, STRANGER, lambda found: found.get("outcome") == "system_failed", "lost")
    agent = running.stage.agents["1001"]
    assert await asyncio.to_thread(agent.phone.sip.register)  # as a real phone does by itself
    await agent.desk.ready()
    call = await running.talks(WANG_FANG)
    call.hang_up()
    await until_call(running.board, WANG_FANG, lambda found: found.get("outcome") == "connected", "ended")


@pytest.mark.timeout(120)
async def test_given_a_menu_file_that_is_broken_while_calls_run_then_the_last_good_one_goes_on(
    running: Running, tmp_path: Path
) -> None:
    menu = running.system.settings.dialplans / "menus" / "shop-400.yaml"
    menu.write_text(menu.read_text(encoding="utf-8").replace("goto: ask_order", "goto: nowhere", 1), encoding="utf-8")

    async def told_of() -> str | None:
        flows = await running.board.get("flows")
        return next((flow["error"] for flow in flows if flow["name"] == "shop-400"), None)

    for _ in range(200):
        if await told_of():
            break
        await asyncio.sleep(0.05)
    assert "nowhere" in (await told_of() or "")
    call = await dial(await running.stage.customer(LI_QIANG), CHINESE)
    await until_call(running.board, LI_QIANG, lambda found: "main" in found.get("path", []), "main")
    call.press("1")
    await until_call(running.board, LI_QIANG, lambda found: "ask_order" in found.get("path", []), "ask_order")
