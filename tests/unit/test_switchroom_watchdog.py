"""A process that hangs is killed, however it hangs; one that turns is left alone."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from switchroom.runtime.watchdog import STALLED_AFTER_S

SERVER = """
import asyncio, os, re, sys, time
from switchroom.runtime.heartbeat import watched

async def main():
    async with watched():
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        {then}
    print("stopped", flush=True)

asyncio.run(main())
"""
WATCHDOG = "int(open(f'/proc/self/task/{os.getpid()}/children').read())"
WAYS = {
    "waits": "time.sleep(3600)",
    "holds the interpreter's lock": "re.match('(a+)+b', 'a' * 64)",
    "is frozen": "os.kill(os.getpid(), 19)",
    "pauses": "time.sleep(2)",
    "loses its watchdog": f"os.kill({WATCHDOG}, 9); await asyncio.sleep(1.5)",
}
"""What the processes do, each in its own."""


@dataclass(frozen=True)
class Ended:
    status: int
    output: str
    errors: str
    seconds: float


def run(then: str) -> Ended:
    """A watched process that does ``then`` when it is sent a line, until both it and its watcher have ended."""
    command = [sys.executable, "-c", SERVER.replace("{then}", then)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        began = time.monotonic()
        output, errors = server.communicate("go\n", timeout=STALLED_AFTER_S + 15)
        return Ended(server.returncode, output, errors, time.monotonic() - began)


# In one process of pytest-xdist: the fixture starts them all at once, for each takes seconds, and waits most of them.
pytestmark = [pytest.mark.timeout(40), pytest.mark.xdist_group("watchdog")]


@pytest.fixture(scope="module")
def ends() -> Iterator[Mapping[str, Future[Ended]]]:
    with ThreadPoolExecutor(len(WAYS)) as pool:
        yield {way: pool.submit(run, then) for way, then in WAYS.items()}


@pytest.mark.parametrize("way", ["waits", "holds the interpreter's lock"])
def test_given_a_loop_that_hangs_then_the_process_is_killed_and_says_where_it_was(
    ends: Mapping[str, Future[Ended]], way: str
) -> None:
    ended = ends[way].result()
    assert ended.status == -signal.SIGKILL
    assert f"stalled for {STALLED_AFTER_S} s" in ended.errors
    assert "in main" in ended.errors


def test_given_a_process_that_is_frozen_then_it_is_killed(ends: Mapping[str, Future[Ended]]) -> None:
    assert ends["is frozen"].result().status == -signal.SIGKILL


def test_given_a_short_pause_then_the_process_goes_on_and_its_watcher_ends_with_it(
    ends: Mapping[str, Future[Ended]],
) -> None:
    ended = ends["pauses"].result()
    assert (ended.status, ended.output, ended.errors) == (0, "stopped\n", "")
    assert ended.seconds < STALLED_AFTER_S


def test_given_a_watchdog_that_died_then_the_process_goes_on_and_says_so(ends: Mapping[str, Future[Ended]]) -> None:
    ended = ends["loses its watchdog"].result()
    assert (ended.status, ended.errors) == (0, "")
    assert "heartbeat.watchdog_gone" in ended.output
    assert ended.output.endswith("stopped\n")
