"""The voice of the menus dies, hangs, or is gone altogether while a caller is in the middle of one."""

import contextlib
import os
import signal
from pathlib import Path

import pytest

from demo.desk import Desk
from demo.people import dial
from demo.scenario import CHINESE, LI_QIANG, ORDER
from demo.softphone import PhoneCall
from demo.system import until
from tests.e2e.whole_system import Running, newest_call, until_call

pytestmark = pytest.mark.timeout(150)


def voice_of(server_pid: int) -> int:
    """The process that speaks, among the server's children."""
    for children in Path(f"/proc/{server_pid}/task").glob("*/children"):
        for pid in map(int, children.read_text(encoding="ascii").split()):
            if b"pyttsx3" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    raise AssertionError("no voice runs")


async def asks_for_the_order(running: Running) -> PhoneCall:
    """A caller who is asked for the number of an order."""
    call = await dial(await running.stage.customer(LI_QIANG), CHINESE)
    await until_call(running.board, LI_QIANG, lambda found: "main" in found.get("path", []), "main")
    call.press("1")
    await until_call(running.board, LI_QIANG, lambda found: "ask_order" in found.get("path", []), "ask_order")
    return call


async def path_when(board: Desk, node: str) -> list[str]:
    await until_call(board, LI_QIANG, lambda found: node in found.get("path", []), node)
    return list((await newest_call(board, LI_QIANG))["path"])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_given_an_order_number_when_the_voice_dies_or_hangs_then_another_tells_the_order(
    running: Running, how: signal.Signals
) -> None:
    call = await asks_for_the_order(running)
    assert running.system.server_pid is not None
    voice = voice_of(running.system.server_pid)
    os.kill(voice, how)
    try:
        call.press(f"{ORDER}#")
        path = await path_when(running.board, "anything_else")
    finally:
        with contextlib.suppress(ProcessLookupError):  # the server has ended it, as it should
            os.kill(voice, signal.SIGCONT)
    assert path == ["welcome", "main", "ask_order", "find_order", "tell_order", "tell_delivery", "anything_else"]
    call.hang_up()
    await until_call(running.board, LI_QIANG, lambda found: found.get("outcome") == "self_service", "served")


@pytest.fixture
def mute(tmp_path: Path) -> str:
    """A PATH on which no program of this machine can speak."""
    for name in ("espeak-ng", "flite"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        program.chmod(0o755)
    return f"{tmp_path / 'bin'}:{os.environ['PATH']}"


async def test_given_an_order_number_when_no_voice_is_left_then_a_person_gets_the_caller_and_the_number(
    running: Running, mute: str
) -> None:
    await running.system.kill_server()
    await running.system.start_server(PATH=mute)
    running.board = await running.stage.supervisor()
    await running.stage.agent("1004", voice="agent-zh", closes_as="resolved")
    call = await asks_for_the_order(running)
    assert running.system.server_pid is not None
    os.kill(voice_of(running.system.server_pid), signal.SIGSTOP)
    call.press(f"{ORDER}#")
    await until_call(running.board, LI_QIANG, lambda found: bool(found.get("answered_at")), "answered")
    found = await newest_call(running.board, LI_QIANG)
    assert (found["queue"], found["path"].count("welcome")) == ("general", 1)
    desk = next(agent.desk for agent in running.stage.agents.values() if agent.account.agent == found["agent_id"])
    await until(lambda: bool(desk.pops()), "the agent's screen shows the caller")
    assert desk.pops()[-1].data["collected"]["order_number"] == ORDER
    call.hang_up()
