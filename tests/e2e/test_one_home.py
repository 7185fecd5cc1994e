"""One home, one server: whoever comes second says who was first, and leaves everything alone."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchroom.runtime.settings import PROJECT
from tests.e2e.whole_system import own_settings
from tests.support.waiting import wait_until


def run(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *words], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@contextlib.contextmanager
def served(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """A server on ``home``; its Asterisk is not there, which it bears."""
    server = run("server.cli", "serve")
    try:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("switchroom: ready"), server.communicate(timeout=20)
        yield server
    finally:
        server.kill()
        server.wait(10)


def refused(command: "subprocess.Popen[str]") -> str:
    out, err = command.communicate(timeout=60)
    assert command.returncode == 1, out + err
    assert "Traceback" not in out + err
    return " ".join((out + err).split())


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> Path:
    own_settings(monkeypatch, short_home)
    return short_home


def test_given_a_server_when_a_second_starts_on_its_home_then_it_names_the_first_and_ends(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(home) as first:
        # With ports of its own nothing else would keep it out.
        own = own_settings(monkeypatch, home / "other")
        monkeypatch.setenv("SWITCHROOM_HOME", str(home))
        assert own.http.port
        told = refused(run("server.cli", "serve"))
        assert re.search(
            rf"in use by process {first.pid} \(`switchroom serve`, since \d{{4}}-\d\d-\d\d \d\d:\d\d", told
        )
        demo = refused(run("demo", "--once"))
        assert f"process {first.pid}" in demo
        assert first.poll() is None
        first.kill()
        first.wait(10)
    with served(home):
        pass


def test_given_a_demonstration_when_another_starts_on_its_home_then_it_leaves_the_first_alone(home: Path) -> None:
    first = run("demo", "--no-calls")
    try:
        assert first.stdout is not None
        wait_until(lambda: "Ctrl-C" in first.stdout.readline(), "the first is up", 60)
        told = refused(run("demo", "--once"))
        assert re.search(rf"process {first.pid} \(`python -m demo`", told)
        assert "in use by process" in refused(run("server.cli", "serve"))
        asterisk = int((home / "asterisk/run/asterisk.pid").read_text(encoding="ascii"))
        os.kill(asterisk, 0)
        assert first.poll() is None
    finally:
        first.terminate()
        first.communicate(timeout=60)
