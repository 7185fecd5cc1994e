"""A server that hangs instead of dying: its callers are taken from it, at the latest when their visit is over."""

import os
import signal
from pathlib import Path

import pytest

from demo.people import Stage, dial
from demo.scenario import CHINESE, LI_QIANG, WANG_FANG
from demo.system import System, until
from demo.voices import record_voices
from softswitch_config.installation import Installation
from tests.e2e.conftest import start_asterisk
from tests.e2e.menu_server import MenuServer
from tests.e2e.phones import Phones
from tests.e2e.whole_system import asks_for_returns, own_settings, until_call
from tests.support.waiting import eventually


@pytest.mark.timeout(120)
async def test_given_a_frozen_server_then_it_is_killed_and_its_callers_and_new_ones_are_served_by_the_next(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    system = System(own_settings(monkeypatch, short_home))
    accounts = await system.start()
    stage = Stage(accounts, record_voices(short_home / "voices"))
    try:
        board = await stage.supervisor()
        waiting = await asks_for_returns(stage, board, LI_QIANG)
        await until_call(board, LI_QIANG, lambda found: bool(found.get("enqueued_at")), "enqueued_at")
        in_menu = await dial(await stage.customer(WANG_FANG), CHINESE)
        await until_call(board, WANG_FANG, lambda found: "main" in found.get("path", []), "main")
        assert system.server_pid is not None

        os.kill(system.server_pid, signal.SIGSTOP)
        late = await dial(await stage.customer("13512348888"), CHINESE)
        await system.server_ended()
        heard = {call: len(call.heard()) for call in (waiting, in_menu, late)}
        await until(lambda: all(len(call.heard()) > heard[call] + 8000 for call in heard), "everybody hears music")
        await system.start_server()

        board = await stage.supervisor()
        await until_call(board, WANG_FANG, lambda found: found["path"].count("main") == 2, "in the menu again")
        await until_call(board, "13512348888", lambda found: "main" in found.get("path", []), "in the menu")
        assert [call.ended_at for call in (waiting, in_menu, late)] == [None] * 3
    finally:
        await stage.close()
        await system.stop()


@pytest.mark.timeout(60)
async def test_given_a_media_host_that_froze_then_the_caller_is_put_back_when_the_longest_visit_is_over(
    installation: Installation, short_home: Path, tmp_path: Path
) -> None:
    asterisk = start_asterisk(installation, short_home, longest_visit_s=2)
    menu = MenuServer(asterisk.settings.media)
    phones = Phones(asterisk.settings, dict(asterisk.credentials.sip_passwords), tmp_path)
    try:
        await menu.start()
        caller = phones.call("4008123123", hold_s=30)
        await eventually(lambda: menu.callers, "the caller is in the menu")
        await eventually(lambda: not menu.callers, "the visit is over")
        await eventually(lambda: menu.callers, "the caller is in the menu again")
        assert caller.running()
    finally:
        phones.stop()
        await menu.stop()
        asterisk.local.stop()
