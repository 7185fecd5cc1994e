"""kill -9 of the server: callers in the menu, in line and in conversation go on; places are kept."""

from pathlib import Path

import pytest

from demo.desk import open_desk
from demo.people import Stage, dial
from demo.scenario import CHINESE, LI_QIANG, STRANGER
from demo.system import System, until
from demo.voices import record_voices
from tests.e2e.whole_system import asks_for_returns, newest_call, own_settings, until_call

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
        talking = await asks_for_returns(stage, board, STRANGER)
        await until_call(board, STRANGER, lambda found: bool(found.get("answered_at")), "answered_at")
        first = await asks_for_returns(stage, board, LI_QIANG)
        await until_call(board, LI_QIANG, lambda found: bool(found.get("enqueued_at")), "enqueued_at")
        second = await asks_for_returns(stage, board, NEXT)
        await until_call(board, NEXT, lambda found: bool(found.get("enqueued_at")), "enqueued_at")
        in_menu = await dial(await stage.customer(IN_MENU), CHINESE)
        await until_call(board, IN_MENU, lambda found: "main" in found.get("path", []), "main")
        before = {phone: await newest_call(board, phone) for phone in (LI_QIANG, NEXT)}

        await system.kill_server()
        heard = {call: len(call.heard()) for call in (talking, first, second, in_menu)}
        await until(
            lambda: all(len(call.heard()) > heard[call] + 8000 for call in heard), "everybody hears something for 1 s"
        )
        assert [call.ended_at for call in (talking, first, second, in_menu)] == [None] * 4
        await system.start_server()

        async with open_desk(accounts.http, accounts.supervisor_login, accounts.supervisor_password) as again:
            await until_call(again, IN_MENU, lambda found: found["path"].count("main") == 2, "in the menu again")
            in_menu.press("0")
            await until_call(again, IN_MENU, lambda found: bool(found.get("enqueued_at")), "enqueued_at")
            assert not any(call.ended_at for call in (talking, first, second, in_menu))

            talking.hang_up()
            await until_call(again, LI_QIANG, lambda found: bool(found.get("answered_at")), "answered_at")
            served = await newest_call(again, LI_QIANG)
            assert served["enqueued_at"] == before[LI_QIANG]["enqueued_at"]
            still = await newest_call(again, NEXT)
            assert (still["answered_at"], still["enqueued_at"]) == (None, before[NEXT]["enqueued_at"])

            ended = await newest_call(again, STRANGER)
            await until_call(again, STRANGER, lambda found: bool(found.get("ticket_id")), "ticket_id")
            assert ended["outcome"] == "connected"
            tickets = [t for t in await again.get("tickets?limit=50") if t["contact_id"] == ended["contact_id"]]
            assert len(tickets) == 1
    finally:
        await stage.close()
        await system.stop()
