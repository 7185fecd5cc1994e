"""The demonstration itself: four stories over real SIP, and every check must hold."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from switchroom.runtime.settings import PROJECT
from tests.e2e.modes import OPEN_TO_OTHERS, readable_by_others
from tests.e2e.whole_system import own_settings


@pytest.mark.timeout(240)
def test_every_check_of_the_demonstration_holds(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> None:
    own_settings(monkeypatch, short_home)
    report = short_home / "out.json"
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--once", "--json", str(report)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
        umask=OPEN_TO_OTHERS,
    )
    server_log = short_home / "server.log"
    told = done.stdout + done.stderr + (server_log.read_text(errors="replace")[-4000:] if server_log.exists() else "")
    assert done.returncode == 0, told
    written = json.loads(report.read_text(encoding="utf-8"))
    assert all(check["ok"] for check in written["checks"]), written["checks"]
    assert len(written["calls"]) == 6
    began = min(datetime.fromisoformat(call["entered_at"]) for call in written["calls"])
    ended = max(datetime.fromisoformat(call["ended_at"]) for call in written["calls"])
    assert (ended - began).total_seconds() < 120, "nobody watches a demonstration for longer"
    for call in written["calls"]:
        if call["recording"]:
            assert Path(call["recording"]["path"]).stat().st_size > 8000
    log = server_log.read_text(encoding="utf-8")
    for call in written["calls"]:
        said = [one["value"] for one in call["inputs"] if len(one["value"]) > 1]  # single keys are in every time stamp
        for private in (call["caller"], call["caller"][-8:], call["customer"], *said):
            assert not private or private not in log, "callers are nowhere in the log"
    assert [line for line in readable_by_others(short_home) if "dialplans" not in line] == []


def test_given_a_taken_port_then_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> None:
    import socket

    settings = own_settings(monkeypatch, short_home)
    with socket.socket() as taken:
        taken.bind((settings.http.host, settings.http.port))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "demo", "--once"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"{settings.http.port} cannot be used for HTTP" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
