"""The whole system on ports of its own, for tests that need all of it."""

import asyncio
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.desk import Desk
from demo.people import Stage, dial
from demo.scenario import CHINESE
from demo.softphone import PhoneCall
from demo.system import System
from switchroom.settings import PROJECT, Settings
from tests.e2e.phones import free_port


def own_settings(monkeypatch: pytest.MonkeyPatch, home: Path) -> Settings:
    """Settings with free ports, an own home and own menus, in the environment too: the server reads them there."""
    first_rtp = min(free_port(), 60000)
    shutil.copytree(PROJECT / "dialplans", home / "dialplans")
    environment = {
        "SWITCHROOM_HOME": str(home),
        "SWITCHROOM_DIALPLANS": str(home / "dialplans"),
        "SWITCHROOM_RECORDINGS": str(home / "recordings"),
        "SWITCHROOM_HTTP__PORT": str(free_port(kind=socket.SOCK_STREAM)),
        "SWITCHROOM_MEDIA__PORT": str(free_port(kind=socket.SOCK_STREAM)),
        "SWITCHROOM_SIP__PORT": str(free_port()),
        "SWITCHROOM_SIP__RTP_PORTS": f"[{first_rtp}, {first_rtp + 400}]",
        "SWITCHROOM_ASTERISK__AMI_PORT": str(free_port(kind=socket.SOCK_STREAM)),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


class Running:
    """A system with one agent for returns and a supervisor's board."""

    def __init__(self, system: System, stage: Stage, board: Desk) -> None:
        self.system, self.stage, self.board = system, stage, board

    async def talks(self, caller: str) -> PhoneCall:
        """A caller who has reached the agent."""
        call = await asks_for_returns(self.stage, self.board, caller)
        await until_call(self.board, caller, lambda found: bool(found.get("answered_at")), "answered")
        return call


async def asks_for_returns(stage: Stage, board: Desk, caller: str) -> PhoneCall:
    """A caller who calls and presses 2 in the menu."""
    call = await dial(await stage.customer(caller), CHINESE)
    await until_call(board, caller, lambda found: "main" in found.get("path", []), "main")
    call.press("2")
    return call


async def newest_call(board: Desk, caller: str) -> dict[str, Any]:
    """This caller's newest call that came while the test ran; empty while there is none."""
    calls = await board.get("calls?limit=50")
    return next((call for call in calls if call["caller"].endswith(caller[-8:]) and call["flow_version"]), {})


async def until_call(
    board: Desk, caller: str, holds: Callable[[dict[str, Any]], bool], what: str, timeout_s: float = 40.0
) -> None:
    """Wait until the caller's newest call is like that."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not holds(found := await newest_call(board, caller)):
        assert asyncio.get_running_loop().time() < deadline, f"{caller}: not {what}: {found}"
        await asyncio.sleep(0.1)
