"""kill -9 of the server: callers in the menu, in line and in conversation go on; places are kept."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from demo.desk import Desk, open_desk
from demo.people import Stage, dial
from demo.scenario import CHINESE, LI_QIANG, STRANGER
from demo.softphone import PhoneCall
from demo.system import System, until
from demo.voices import record_voices
from tests.e2e.whole_system import own_settings

NEXT, IN_MENU = "13512348888", "13512349999"
"""Strangers, so that no tier changes the order."""


@pytest.mark.timeout(180)
async def test_given_a_killed_server_then_nobody_is_dropped_and_the_line_keeps_its_order(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    settings = own_settings(monkeypatch, short_home)
    system = System(settings)
    accounts = await system.start()
    stage = Stage(accounts, record_voices(short_home / "voices"))
    try:
        await stage.agent("1001", voice="agent-zh", closes_as="resolved")
        board = await stage.supervisor()
        talking = await _asks_for_returns(stage, board, STRANGER)
        await _until_state(board, STRANGER, "answered_at")
        first = await _asks_for_returns(stage, board, LI_QIANG)
        await _until_state(board, LI_QIANG, "enqueued_at")
        second = await _asks_for_returns(stage, board, NEXT)
        await _until_state(board, NEXT, "enqueued_at")
        in_menu = await dial(await stage.customer(IN_MENU), CHINESE)
        await _until_path(board, IN_MENU, "main")
        before = {phone: await _call(board, phone) for phone in (LI_QIANG, NEXT)}

        await system.kill_server()
        heard = {call: len(call.heard()) for call in (talking, first, second, in_menu)}
        await until(
            lambda: all(len(call.heard()) > heard[call] + 8000 for call in heard), "everybody hears something for 1 s"
        )
        assert [call.ended_at for call in (talking, first, second, in_menu)] == [None] * 4
        await system.start_server()

        async with open_desk(accounts.http, accounts.supervisor_login, accounts.supervisor_password) as again:
            await _until_path(again, IN_MENU, "main", times=2)
            in_menu.press("0")
            await _until_state(again, IN_MENU, "enqueued_at")
            assert not any(call.ended_at for call in (talking, first, second, in_menu))

            talking.hang_up()
            await _until_state(again, LI_QIANG, "answered_at")
            served = await _call(again, LI_QIANG)
            assert served["enqueued_at"] == before[LI_QIANG]["enqueued_at"]
            still = await _call(again, NEXT)
            assert (still["answered_at"], still["enqueued_at"]) == (None, before[NEXT]["enqueued_at"])

            ended = await _call(again, STRANGER)
            await _until_state(again, STRANGER, "ticket_id")
            assert ended["outcome"] == "connected"
            tickets = [t for t in await again.get("tickets?limit=50") if t["call_id"] == ended["call_id"]]
            assert len(tickets) == 1
    finally:
        await stage.close()
        await system.stop()


async def _asks_for_returns(stage: Stage, board: Desk, caller: str) -> PhoneCall:
    call = await dial(await stage.customer(caller), CHINESE)
    await _until_path(board, caller, "main")
    call.press("2")
    return call


async def _call(board: Desk, caller: str) -> dict[str, Any]:
    """This caller's newest call; empty while there is none."""
    calls = await board.get("calls?limit=50")
    return next((call for call in calls if call["caller"].endswith(caller[-8:]) and call["flow"]), {})


async def _until_state(board: Desk, caller: str, field: str) -> None:
    await _until(board, caller, lambda call: bool(call.get(field)), field)


async def _until_path(board: Desk, caller: str, node: str, times: int = 1) -> None:
    await _until(board, caller, lambda call: call.get("path", []).count(node) >= times, f"{node} ×{times}")


async def _until(board: Desk, caller: str, holds: Any, what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 40
    while not holds(await _call(board, caller)):
        assert asyncio.get_running_loop().time() < deadline, f"{caller}: not {what}: {await _call(board, caller)}"
        await asyncio.sleep(0.1)
