"""A process that hangs is killed, however it hangs; one that turns is left alone."""

import os
import signal
import subprocess
import sys
import time

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


def started(then: str) -> subprocess.Popen[str]:
    """A watched process that does ``then`` when it is sent a line."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER.replace("{then}", then)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    return server


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "then",
    ["time.sleep(3600)", "re.match('(a+)+b', 'a' * 64)"],
    ids=["waits", "holds the interpreter's lock"],
)
def test_given_a_loop_that_hangs_then_the_process_is_killed_and_says_where_it_was(then: str) -> None:
    with started(then) as server:
        _, errors = server.communicate("go\n", timeout=STALLED_AFTER_S + 15)
    assert server.returncode == -signal.SIGKILL
    assert f"stalled for {STALLED_AFTER_S} s" in errors
    assert "in main" in errors


@pytest.mark.timeout(30)
def test_given_a_process_that_is_frozen_then_it_is_killed() -> None:
    with started("pass") as server:
        os.kill(server.pid, signal.SIGSTOP)
        assert server.wait(STALLED_AFTER_S + 15) == -signal.SIGKILL


@pytest.mark.timeout(30)
def test_given_a_short_pause_then_the_process_goes_on_and_its_watcher_ends_with_it() -> None:
    with started("time.sleep(2)") as server:
        began = time.monotonic()
        output, errors = server.communicate("go\n", timeout=15)  # also waits for the watcher: it shares the pipes
    assert (server.returncode, output, errors) == (0, "stopped\n", "")
    assert time.monotonic() - began < STALLED_AFTER_S


@pytest.mark.timeout(30)
def test_given_a_watchdog_that_died_then_the_process_goes_on_and_says_so() -> None:
    then = "os.kill(int(open(f'/proc/self/task/{os.getpid()}/children').read()), 9); await asyncio.sleep(1.5)"
    with started(then) as server:
        output, errors = server.communicate("go\n", timeout=15)
    assert (server.returncode, errors) == (0, "")
    assert "heartbeat.watchdog_gone" in output
    assert output.endswith("stopped\n")
