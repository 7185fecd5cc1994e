"""What happens while the server is dead, or cannot hear Asterisk, is booked as it was, and nobody is left behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from demo.desk import Desk, open_desk
from demo.people import dial
from demo.scenario import CHINESE, LI_QIANG, STRANGER, WANG_FANG
from demo.softphone import PhoneCall
from demo.system import until
from switchroom.runtime.settings import Settings
from tests.e2e.stalling_proxy import StallingProxy
from tests.e2e.whole_system import (
    Running,
    Seat,
    asks_for_returns,
    newest_call,
    own_settings,
    seat,
    until_call,
    whole_system,
)

TALK_S = 3.0
OTHER = "13512348888"


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> AsyncIterator[Running]:
    async with whole_system(own_settings(monkeypatch, short_home)) as found:
        yield found


@contextlib.asynccontextmanager
async def supervisor(house: Running) -> AsyncIterator[Desk]:
    accounts = house.stage.accounts
    async with open_desk(accounts.http, accounts.supervisor_login, accounts.supervisor_password) as board:
        yield board


async def rings(at: Seat, nth: int = 1) -> PhoneCall:
    return await asyncio.to_thread(at.phone.wait_call, 30.0, nth=nth)


async def talk_and_hang_up(caller: PhoneCall, ring: PhoneCall) -> None:
    """The agent answers, both are connected for `TALK_S`, the caller hangs up."""
    ring.answer()
    before = len(caller.heard())
    await until(lambda: len(caller.heard()) > before + 8000 * TALK_S, "they talk")
    caller.hang_up()
    await until(lambda: ring.ended_at is not None, "the agent's phone is told")


async def booked(board: Desk, caller: str) -> dict[str, Any]:
    """The caller's contact, once it is over and has its ticket."""
    await until_call(board, caller, lambda found: bool(found.get("outcome")), "over")
    with contextlib.suppress(AssertionError):
        await until_call(board, caller, lambda found: bool(found.get("ticket_id")), "with a ticket", timeout_s=8)
    return await newest_call(board, caller)


async def check_talk(board: Desk, caller: str, at: Seat, ring: PhoneCall) -> None:
    """Booked as connected with this agent, at the times of the phone, with one ticket and its recording."""
    found = await booked(board, caller)
    assert (found["outcome"], found["agent_id"]) == ("connected", at.account.agent)
    assert ring.answered_at is not None and ring.ended_at is not None
    answered, ended = (datetime.fromisoformat(found[name]) for name in ("answered_at", "ended_at"))
    assert abs((answered - ring.answered_at).total_seconds()) < 1.0
    assert abs((ended - ring.ended_at).total_seconds()) < 1.0
    tickets = [one for one in await board.get("tickets?limit=50") if one["contact_id"] == found["contact_id"]]
    assert len(tickets) == 1
    await until_call(board, caller, lambda found: bool(found.get("recording_id")), "with its recording")


@pytest.mark.timeout(120)
async def test_given_a_kill_while_the_phone_rings_when_the_agent_declines_meanwhile_then_the_caller_is_served(
    house: Running,
) -> None:
    async with seat(house.stage, "1001") as at:
        caller = await asks_for_returns(house.stage, house.board, STRANGER)
        ring = await rings(at)
        await until_call(house.board, STRANGER, lambda found: bool(found.get("ringing_at")), "written down as ringing")
        await house.system.kill_server()
        ring.refuse()
        await house.system.start_server()
        again = await rings(at, nth=2)
        again.answer()
        async with supervisor(house) as board:
            await until_call(board, STRANGER, lambda found: bool(found.get("answered_at")), "answered")
        assert caller.ended_at is None
        assert (await at.state())["state"] == "busy"


@pytest.mark.timeout(120)
async def test_given_a_kill_between_pop_and_ring_then_the_caller_is_served(house: Running) -> None:
    async with seat(house.stage, "1001", draws=False) as at:
        caller = await asks_for_returns(house.stage, house.board, STRANGER)
        await until_call(house.board, STRANGER, lambda found: bool(found.get("offered_at")), "written down as offered")
        await house.system.kill_server()
        await house.system.start_server()
        ring = await rings(at)
        ring.answer()
        async with supervisor(house) as board:
            await until_call(board, STRANGER, lambda found: bool(found.get("answered_at")), "answered")
        assert caller.ended_at is None


@pytest.mark.timeout(150)
async def test_given_talks_that_begin_and_end_while_the_server_is_dead_then_they_are_booked_as_they_were(
    house: Running,
) -> None:
    async with seat(house.stage, "1001") as first, seat(house.stage, "1004") as second:
        callers = [await asks_for_returns(house.stage, house.board, phone) for phone in (STRANGER, WANG_FANG)]
        rung = [await rings(first), await rings(second)]
        by_number = {ring.remote[-8:]: (at, ring) for at, ring in zip((first, second), rung, strict=True)}
        await house.system.kill_server()
        for caller, phone in zip(callers, (STRANGER, WANG_FANG), strict=True):
            await talk_and_hang_up(caller, by_number[phone[-8:]][1])
        late = await dial(await house.stage.customer(OTHER), CHINESE)  # comes and goes, and nobody was there
        late.hang_up()
        await house.system.start_server()
        async with supervisor(house) as board:
            for phone in (STRANGER, WANG_FANG):
                await check_talk(board, phone, *by_number[phone[-8:]])
            lost = await booked(board, OTHER)
            assert (lost["outcome"], lost["answered_at"]) == ("system_failed", None)
            known = await newest_call(board, WANG_FANG)
            assert (known["tier"], known["path"]) == ("gold", ["welcome", "main", "returns"])
        for at in (first, second):
            assert (await at.state())["state"] in ("wrap_up", "available")


@pytest.mark.timeout(120)
async def test_given_a_talk_that_goes_on_beyond_the_kill_then_its_end_is_the_real_one(house: Running) -> None:
    async with seat(house.stage, "1001") as at:
        caller = await asks_for_returns(house.stage, house.board, LI_QIANG)
        ring = await rings(at)
        ring.answer()
        await until_call(house.board, LI_QIANG, lambda found: bool(found.get("answered_at")), "answered")
        await house.system.kill_server()
        before = len(caller.heard())
        await until(lambda: len(caller.heard()) > before + 16000, "they talk on")
        ring.hang_up()
        await until(lambda: caller.ended_at is not None, "the caller is told")
        await house.system.start_server()
        async with supervisor(house) as board:
            await check_talk(board, LI_QIANG, at, ring)


@pytest.mark.timeout(150)
async def test_given_asterisk_unheard_for_seconds_when_talks_begin_and_end_then_they_are_booked_as_they_were(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    settings = own_settings(monkeypatch, short_home)
    async with StallingProxy("127.0.0.1", settings.asterisk.ami_port).running() as proxy:
        monkeypatch.setenv("SWITCHROOM_ASTERISK__AMI_PORT", str(proxy.port))
        async with whole_system(settings) as house, seat(house.stage, "1001") as at:
            caller = await asks_for_returns(house.stage, house.board, WANG_FANG)
            ring = await rings(at)
            proxy.stall()
            await talk_and_hang_up(caller, ring)
            await asyncio.sleep(3.0)  # longer than the server waits for an answer: the connection is given up
            proxy.flow()
            await check_talk(house.board, WANG_FANG, at, ring)
            assert (await at.state())["state"] == "wrap_up"


async def restarted(house: Running) -> None:
    await house.system.kill_server()
    await house.system.start_server()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("state", "reason"), [("paused", "lunch"), ("logged_out", None)])
async def test_given_a_state_answered_with_success_when_the_server_is_killed_at_once_then_it_is_kept(
    house: Running, state: str, reason: str | None
) -> None:
    async with seat(house.stage, "1001") as at:
        await at.desk.state(state, reason)
        await restarted(house)
        found = await at.state()
        assert (found["state"], found["reason"]) == (state, reason)


def with_wrap_up(settings: Settings, seconds: int) -> Settings:
    """The queue `returns` with a wrap-up time of its own."""
    file = settings.dialplans / "queues.yaml"
    text = file.read_text(encoding="utf-8")
    head, tail = text.split("  returns:\n", 1)
    file.write_text(f"{head}  returns:\n{tail.replace('wrap_up: 30s', f'wrap_up: {seconds}s', 1)}", encoding="utf-8")
    return settings


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seconds", [5, 300])
async def test_given_a_restart_during_a_talk_then_the_queues_own_wrap_up_follows(
    monkeypatch: pytest.MonkeyPatch, short_home: Path, seconds: int
) -> None:
    async with (
        whole_system(with_wrap_up(own_settings(monkeypatch, short_home), seconds)) as house,
        seat(house.stage, "1001", answer_after_s=0.2) as at,
    ):
        caller = await asks_for_returns(house.stage, house.board, STRANGER)
        await until_call(house.board, STRANGER, lambda found: bool(found.get("answered_at")), "answered")
        await restarted(house)
        await at.until_state("busy")
        caller.hang_up()
        found = await at.until_state("wrap_up")
        lasts = datetime.fromisoformat(found["until"]) - datetime.fromisoformat(found["since"])
        assert lasts.total_seconds() == pytest.approx(seconds, abs=0.5)


@pytest.mark.timeout(120)
async def test_given_a_log_out_asked_for_during_a_talk_when_the_server_is_killed_then_it_comes_after_the_talk(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    async with (
        whole_system(with_wrap_up(own_settings(monkeypatch, short_home), 5)) as house,
        seat(house.stage, "1001", answer_after_s=0.2) as at,
    ):
        caller = await asks_for_returns(house.stage, house.board, STRANGER)
        await until_call(house.board, STRANGER, lambda found: bool(found.get("answered_at")), "answered")
        await at.desk.state("logged_out")
        await restarted(house)
        await at.until_state("busy")
        caller.hang_up()
        await at.until_state("wrap_up")
        await at.until_state("logged_out")
