"""``switchroom calls test``: a call by hand, against the whole system."""

import json
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from demo.scenario import CHINESE, ORDER
from switchroom.runtime.settings import PROJECT
from tests.e2e.whole_system import Running

pytestmark = pytest.mark.timeout(120)


def calls_test(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.cli", "calls", "test", *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=90, check=False)


async def test_given_the_system_when_a_call_is_placed_by_hand_then_what_was_heard_and_done_is_told(
    running: Running, tmp_path: Path
) -> None:
    heard = tmp_path / "heard.wav"
    words = (CHINESE, "--keys", f"1,{ORDER}#", "--hold", "3", "--record", str(heard), "--format", "json")
    done = calls_test(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["answered"], told["ending"]) == (True, "hung up by us")
    assert [one["keys"] for one in told["sent"]] == ["1", f"{ORDER}#"]
    assert told["heard_s"] > 4 and -40 < told["level_dbfs"] < -10
    with wave.open(str(heard)) as file:
        assert file.getnframes() / file.getframerate() > 8
    calls = await running.board.get("contacts?limit=5")
    assert "tell_order" in calls[0]["path"]

    plain = calls_test(CHINESE, "--hold", "1").stdout.splitlines()
    assert plain[0].startswith(f"{CHINESE}: answered after ")
    assert plain[1].startswith("heard ")
    assert plain[2].startswith("hung up by us after ")


async def test_given_a_number_that_is_not_ours_then_it_says_so_and_fails(running: Running) -> None:
    done = calls_test("4009999999")
    assert (done.returncode, done.stdout.strip()) == (1, "4009999999: refused (404)")
