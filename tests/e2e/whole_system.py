"""The whole system on ports of its own, for tests that need all of it."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.accounts import AgentAccount
from demo.desk import Desk, open_desk
from demo.people import Stage, dial
from demo.scenario import CHINESE
from demo.softphone import PhoneCall, Softphone
from demo.system import System
from demo.voices import record_voices
from switchroom.runtime.settings import PROJECT, Settings
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


@dataclass
class Seat:
    """An agent's phone and desktop that do only what the test says; both can be looked at again after a restart."""

    url: str
    account: AgentAccount
    phone: Softphone
    desk: Desk

    async def state(self) -> dict[str, Any]:
        """What the server says of the agent now, asked as the agent, over a session of its own."""
        async with open_desk(self.url, self.account.login, self.account.password, listen=False) as desk:
            (agent,) = await desk.get("agents")
            return dict(agent)

    async def until_state(self, state: str, timeout_s: float = 20.0) -> dict[str, Any]:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while (found := await self.state())["state"] != state:
            assert asyncio.get_running_loop().time() < deadline, f"{self.account.agent}: not {state}: {found}"
            await asyncio.sleep(0.1)
        return found


@contextlib.asynccontextmanager
async def seat(
    stage: Stage, number: str, *, answer_after_s: float | None = None, draws: bool = True
) -> AsyncIterator[Seat]:
    """An agent who is ready, at a phone that rings until the test answers or declines."""
    account = next(one for one in stage.accounts.agents if one.agent == number)
    with Softphone(stage.server, account.agent, account.sip_password, answer_after_s=answer_after_s) as phone:
        async with open_desk(stage.accounts.http, account.login, account.password) as desk:
            desk.draws = draws
            await desk.ready()
            yield Seat(stage.accounts.http, account, phone, desk)


@contextlib.asynccontextmanager
async def whole_system(settings: Settings) -> AsyncIterator[Running]:
    """Everything up, with a supervisor's board; agents come in by ``stage.agent``."""
    system = System(settings)
    accounts = await system.start()
    stage = Stage(accounts, record_voices(settings.home / "voices"))
    try:
        yield Running(system, stage, await stage.supervisor())
    finally:
        await stage.close()
        await system.stop()


async def asks_for_returns(stage: Stage, board: Desk, caller: str) -> PhoneCall:
    """A caller who calls and presses 2 in the menu."""
    call = await dial(await stage.customer(caller), CHINESE)
    await until_call(board, caller, lambda found: "main" in found.get("path", []), "main")
    call.press("2")
    return call


async def newest_call(board: Desk, caller: str) -> dict[str, Any]:
    """This caller's newest call that came while the test ran; empty while there is none."""
    calls = await board.get("contacts?limit=50")
    return next(
        (call for call in calls if call["caller"].endswith(caller[-8:]) and not call["contact_id"].startswith("demo-")),
        {},
    )


async def until_call(
    board: Desk, caller: str, holds: Callable[[dict[str, Any]], bool], what: str, timeout_s: float = 40.0
) -> None:
    """Wait until the caller's newest call is like that."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not holds(found := await newest_call(board, caller)):
        assert asyncio.get_running_loop().time() < deadline, f"{caller}: not {what}: {found}"
        await asyncio.sleep(0.1)
