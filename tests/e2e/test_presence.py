"""Nobody is offered a call who is not there: a desktop that is gone, a server that was killed and restarted."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from demo.desk import Desk, open_desk
from demo.people import Stage
from demo.scenario import STRANGER
from demo.softphone import Softphone
from demo.system import System
from demo.voices import record_voices
from tests.e2e.whole_system import Running, own_settings

GONE_AFTER_S = 3.0
DESKTOP_GONE = ("paused", "desktop_gone")


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> AsyncIterator[Running]:
    """A system that misses a desktop after `GONE_AFTER_S`, and writes up for a second only."""
    monkeypatch.setenv("SWITCHROOM_PRESENCE__DESKTOP_GONE_AFTER_S", str(GONE_AFTER_S))
    settings = own_settings(monkeypatch, short_home)
    queues = settings.dialplans / "queues.yaml"
    queues.write_text(re.sub(r"wrap_up: \d+s", "wrap_up: 1s", queues.read_text(encoding="utf-8")), encoding="utf-8")
    system = System(settings)
    accounts = await system.start()
    stage = Stage(accounts, record_voices(short_home / "voices"))
    try:
        yield Running(system, stage, await stage.supervisor())
    finally:
        await stage.close()
        await system.stop()


class Person:
    """An agent whose desktop and phone come and go apart from each other."""

    def __init__(self, house: Running, number: str) -> None:
        self._accounts = house.stage.accounts
        self._account = next(one for one in self._accounts.agents if one.agent == number)
        self._server = house.stage.server
        self._desktop, self._phone = AsyncExitStack(), AsyncExitStack()

    async def open_desktop(self) -> Desk:
        account = self._account
        return await self._desktop.enter_async_context(open_desk(self._accounts.http, account.login, account.password))

    async def lose_desktop(self) -> None:
        await self._desktop.aclose()

    async def plug_phone_in(self) -> None:
        phone = Softphone(self._server, self._account.agent, self._account.sip_password, answer_after_s=0.5)
        await asyncio.to_thread(phone.start)
        self._phone.push_async_callback(asyncio.to_thread, phone.stop)

    async def leave(self) -> None:
        await self._desktop.aclose()
        await self._phone.aclose()


async def until_state(board: Desk, number: str, *wanted: tuple[str, str | None], timeout_s: float = 20.0) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while (found := await state_of(board, number)) not in wanted:
        assert asyncio.get_running_loop().time() < deadline, f"agent {number} is {found}, not {wanted}"
        await asyncio.sleep(0.1)


async def state_of(board: Desk, number: str) -> tuple[str, str | None]:
    agent: dict[str, Any] = next(one for one in await board.get("agents") if one["id"] == number)
    return agent["state"], agent["reason"]


@pytest.mark.timeout(120)
async def test_given_a_desktop_that_is_gone_then_its_agent_is_not_ready_and_in_a_call_after_the_call(
    house: Running,
) -> None:
    board, person = house.board, Person(house, "1001")
    try:
        await person.plug_phone_in()
        await (await person.open_desktop()).ready()
        await until_state(board, "1001", ("available", None))
        await person.lose_desktop()
        await person.open_desktop()  # a reload
        await asyncio.sleep(GONE_AFTER_S + 1)  # that nothing happens can only be waited for
        assert await state_of(board, "1001") == ("available", None)

        await person.lose_desktop()
        await until_state(board, "1001", DESKTOP_GONE)
        desk = await person.open_desktop()
        hello = next(told for told in reversed(desk.told) if told.type == "switchroom.hello")
        assert (hello.data["agents"][0]["state"], hello.data["agents"][0]["reason"]) == DESKTOP_GONE
        await desk.ready()

        call = await house.talks(STRANGER)
        await person.lose_desktop()
        await asyncio.sleep(GONE_AFTER_S + 1)
        assert (await state_of(board, "1001"))[0] == "busy"
        call.hang_up()
        await until_state(board, "1001", DESKTOP_GONE)
    finally:
        await person.leave()


@pytest.mark.timeout(120)
async def test_given_a_killed_server_then_who_does_not_come_back_is_not_ready(house: Running) -> None:
    people = {number: Person(house, number) for number in ("1001", "1002", "1003")}
    back, desk_gone, gone = people.values()
    accounts = house.stage.accounts
    try:
        for person in people.values():
            await (await person.open_desktop()).ready()
        for person in (back, desk_gone):
            await person.plug_phone_in()
        for number in people:
            await until_state(house.board, number, ("available", None))
        await house.system.kill_server()
        for person in (desk_gone, gone):
            await person.lose_desktop()
        await house.system.start_server()
        async with open_desk(accounts.http, accounts.supervisor_login, accounts.supervisor_password) as board:
            await until_state(board, "1003", ("logged_out", None))
            await until_state(board, "1002", DESKTOP_GONE)
            assert await state_of(board, "1001") == ("available", None)
    finally:
        for person in people.values():
            await person.leave()
