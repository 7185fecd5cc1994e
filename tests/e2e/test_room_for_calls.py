"""As many calls as fit, and what the next caller gets: busy or music, never silence."""

import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.people import dial
from demo.scenario import CHINESE, LI_QIANG, STRANGER, WANG_FANG
from demo.softphone import SoftphoneError
from demo.system import until
from switchroom.runtime.settings import PROJECT
from tests.e2e.whole_system import Running, newest_call, own_settings, until_call, whole_system


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> AsyncIterator[Running]:
    monkeypatch.setenv("SWITCHROOM_SIP__MAX_CALLS", "2")
    async with whole_system(own_settings(monkeypatch, short_home)) as found:
        yield found


async def readiness(house: Running) -> tuple[int, dict[str, dict[str, object]]]:
    async with house.board.http.get("/readyz") as answer:
        return answer.status, (await answer.json())["checks"]


async def metric(house: Running, name: str) -> float:
    async with house.board.http.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


@pytest.mark.timeout(120)
async def test_given_as_many_calls_as_fit_then_the_next_is_told_busy_and_counted_as_lost(house: Running) -> None:
    assert (await readiness(house))[0] == 200
    first = await dial(await house.stage.customer(LI_QIANG), CHINESE)
    second = await dial(await house.stage.customer(WANG_FANG), CHINESE)
    with pytest.raises(SoftphoneError, match="486"):
        await dial(await house.stage.customer(STRANGER), CHINESE)
    await until_call(house.board, STRANGER, lambda found: found.get("outcome") == "system_failed", "lost")
    lost = await newest_call(house.board, STRANGER)
    assert (lost["number"], lost["answered_at"]) == (CHINESE, None)
    status, checks = await readiness(house)
    assert (status, checks["calls"]["ok"]) == (503, False)
    assert "1 calls were refused in the last minute: 2 are here, 2 fit" in str(checks["calls"]["detail"])
    assert await metric(house, "switchroom_calls_refused_total") == 1
    assert await metric(house, "switchroom_calls_fit") == 2
    assert [call.ended_at for call in (first, second)] == [None, None]

    first.hang_up()
    await until_call(house.board, LI_QIANG, lambda found: bool(found.get("outcome")), "over")
    again = await dial(await house.stage.customer(STRANGER), CHINESE)
    await until_call(house.board, STRANGER, lambda found: "main" in found.get("path", []), "in the menu")
    assert again.ended_at is None


@contextlib.contextmanager
def out_of_descriptors(pid: int, port: int) -> object:
    """No further descriptor for this process: fewer are allowed than strangers' connections would take."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 3, before[1]))
    strangers = []
    try:
        for _ in range(12):
            strangers.append(socket.create_connection(("127.0.0.1", port)))
        yield
    finally:
        for stranger in strangers:
            stranger.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@pytest.mark.timeout(120)
async def test_given_a_server_out_of_descriptors_then_callers_hear_music_and_asterisk_goes_on(house: Running) -> None:
    settings, pid = house.system.settings, house.system.server_pid
    assert pid is not None
    with out_of_descriptors(pid, settings.http.port):
        call = await dial(await house.stage.customer(LI_QIANG), CHINESE)
        await until(lambda: loud_s(call.heard()) > 2.0, "the caller hears music", timeout_s=8)
        known = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "server.cli", "asterisk", "reload"],
            cwd=PROJECT,
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert known.returncode == 0, known.stderr
    await until_call(house.board, LI_QIANG, lambda found: "main" in found.get("path", []), "in the menu at last")
    assert call.ended_at is None


def loud_s(samples: object) -> float:
    """Seconds of sound in what was heard."""
    import numpy as np

    heard = np.asarray(samples, dtype=float)
    frames = heard[: len(heard) // 800 * 800].reshape(-1, 800) / 32768
    return float((np.sqrt((frames**2).mean(axis=1)) > 0.003).sum()) / 10


@pytest.mark.parametrize(("descriptors", "calls"), [(512, 37), (1024, 80)])
def test_given_a_limit_of_open_files_then_the_doctor_says_how_many_calls_fit(
    monkeypatch: pytest.MonkeyPatch, short_home: Path, descriptors: int, calls: int
) -> None:
    own_settings(monkeypatch, short_home)
    command = f"ulimit -n {descriptors} && exec {sys.executable} -m server.cli doctor"
    done = subprocess.run(["sh", "-c", command], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert f"calls: {calls} fit at once, bound by the limit of open files (ulimit -n)" in done.stdout
