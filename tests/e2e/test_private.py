"""Nobody but the owner reads what is written: whichever command wrote it, and Asterisk too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch_config.installation import Installation
from softswitch_config.render import Folders
from switchroom.runtime.settings import PROJECT
from tests.e2e.modes import OPEN_TO_OTHERS, readable_by_others
from tests.e2e.whole_system import own_settings
from tests.support.waiting import wait_until


def switchroom(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *words],
        env={**os.environ, "SWITCHROOM_HOME": str(home)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        umask=OPEN_TO_OTHERS,
    )


@pytest.mark.parametrize(
    "words",
    [
        "db upgrade",
        "db seed",
        "users list",
        "users token wallboard",
        "calls show nothing",
        "acd explain nothing",
        "doctor",
        "ivr lint",
        "asterisk reload",
        "asterisk stop",
    ],
)
def test_given_a_fresh_home_when_a_command_ran_then_nobody_else_may_read_anything(tmp_path: Path, words: str) -> None:
    home = tmp_path / "home"
    switchroom(home, *words.split())
    assert not home.exists() or readable_by_others(home) == []


def test_given_a_home_of_ours_that_is_open_when_a_command_ran_then_it_is_shut(tmp_path: Path) -> None:
    home = tmp_path / "home"
    switchroom(home, "db", "seed")
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    switchroom(home, "users", "list")
    assert readable_by_others(home) == []


def test_given_a_home_that_everybody_may_write_to_then_a_command_refuses_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    done = switchroom(tmp_path, "db", "upgrade")
    assert done.returncode == 1
    assert f"{tmp_path} may be written by everybody" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_given_a_folder_with_things_of_others_then_its_mode_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch(0o644)
    tmp_path.chmod(0o755)
    assert switchroom(tmp_path, "db", "upgrade").returncode == 0
    assert [line.split()[1] for line in readable_by_others(tmp_path)] == [".", "photo.jpg"]


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(OPEN_TO_OTHERS)
    yield
    os.umask(before)


def test_given_asterisk_started_by_the_command_then_its_files_and_its_socket_are_private(
    monkeypatch: pytest.MonkeyPatch, short_home: Path, usual_umask: None, installation: Installation
) -> None:
    home = short_home / "home"
    settings = own_settings(monkeypatch, home)
    try:
        started = switchroom(home, "asterisk", "start")
        assert started.returncode == 0, started.stderr
        log = Folders.of(settings).log / "messages.log"
        wait_until(log.exists, "Asterisk has written its log")
        assert [line for line in readable_by_others(home) if "dialplans" not in line] == []
    finally:
        switchroom(home, "asterisk", "stop")
