"""The commands as people type them: what they print, and their exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from switchroom.settings import PROJECT


def switchroom(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "switchroom.cli", *words],
        env={**os.environ, "SWITCHROOM_HOME": str(home), **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a command that could not do what was asked."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    [line] = done.stderr.strip().splitlines()
    return line


def test_given_sound_menus_then_lint_finds_nothing(tmp_path: Path) -> None:
    done = switchroom(tmp_path, "ivr", "lint")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 menus, 0 findings")


def test_given_a_broken_menu_then_lint_names_the_place_and_fails(tmp_path: Path) -> None:
    menu = tmp_path / "broken.yaml"
    sound = (PROJECT / "dialplans/menus/shop-400.yaml").read_text(encoding="utf-8")
    menu.write_text(sound.replace("goto: ask_order", "goto: nowhere", 1), encoding="utf-8")
    line = next(at for at, text in enumerate(menu.read_text().splitlines(), 1) if "nowhere" in text)
    done = switchroom(tmp_path, "ivr", "lint", str(menu))
    assert done.returncode == 1
    assert done.stdout.startswith(f"{menu}:{line}:")
    assert "nowhere" in done.stdout

    tool = switchroom(tmp_path, "ivr", "lint", "--format", "json", str(menu))
    [finding] = [one for one in json.loads(tool.stdout) if one["severity"] == "error"]
    assert (finding["file"], finding["line"]) == (str(menu), line)


@pytest.mark.parametrize("name", ["strands", "offers"])
def test_given_a_menu_in_which_callers_would_strand_then_lint_names_each_place_and_what_to_do(
    tmp_path: Path, name: str
) -> None:
    """The menu says in comments, ``#! CODE message``, what is wrong in the line below."""
    menu = PROJECT / f"tests/fixtures/menus/bad/{name}.yaml"
    lines = menu.read_text(encoding="utf-8").splitlines()
    expected = [(at + 1, text.split("#! ")[1]) for at, text in enumerate(lines, 1) if "#! " in text]
    done = switchroom(tmp_path, "ivr", "lint", str(menu))
    found = re.findall(rf"^{re.escape(str(menu))}:(\d+):\d+ (.*)$", done.stdout, re.MULTILINE)
    assert done.returncode == 1
    assert [(int(line), message.removesuffix(" (warning)")) for line, message in found] == expected


def test_given_no_softphone_or_a_key_that_is_none_then_calls_test_says_so_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pyVoIP.py").write_text("raise ImportError")
    line = refused(switchroom(tmp_path, "calls", "test", "4008123123", PYTHONPATH=str(tmp_path)))
    assert "pip install 'switchroom[phone]'" in line
    wrong = switchroom(tmp_path, "calls", "test", "4008123123", "--keys", "1,x")
    assert wrong.returncode == 2
    assert "--keys" in wrong.stderr


def test_the_schema_is_json_schema(tmp_path: Path) -> None:
    schema = json.loads(switchroom(tmp_path, "ivr", "schema").stdout)
    assert schema == json.loads((PROJECT / "dialplans/schema/ivr-v1.json").read_text(encoding="utf-8"))


def test_the_database_is_made_and_may_be_upgraded_again(tmp_path: Path) -> None:
    assert switchroom(tmp_path, "db", "upgrade").returncode == 0
    assert switchroom(tmp_path, "db", "seed").returncode == 0
    assert switchroom(tmp_path, "db", "seed").returncode == 0
    assert (tmp_path / "switchroom.db").exists()


def test_users_come_and_go_and_wrong_wishes_are_refused(tmp_path: Path) -> None:
    def add(*options: str, password: str = "long enough") -> subprocess.CompletedProcess[str]:
        return switchroom(tmp_path, "users", "add", "zhang", *options, "--password", password)

    assert "at least 10 characters" in refused(add("--agent", "1001", password="short"))
    assert "agent 9999 is not in" in refused(add("--agent", "9999"))
    assert "needs --agent" in refused(add())
    assert add("--agent", "1001").returncode == 0
    assert "zhang" in switchroom(tmp_path, "users", "list").stdout
    assert switchroom(tmp_path, "users", "token", "wallboard").stdout.startswith("swr_")
    assert switchroom(tmp_path, "users", "tokens").stdout.split() == ["wallboard", "supervisor"]
    assert switchroom(tmp_path, "users", "revoke", "wallboard").returncode == 0
    assert switchroom(tmp_path, "users", "tokens").stdout == ""
    again = switchroom(tmp_path, "users", "revoke", "wallboard")
    assert (again.returncode, "no token with the label" in again.stdout + again.stderr) == (1, True)
    assert switchroom(tmp_path, "users", "remove", "zhang").returncode == 0
    assert "zhang" not in switchroom(tmp_path, "users", "list").stdout


@pytest.mark.parametrize("words", [("calls", "show"), ("acd", "explain")])
def test_given_an_unknown_call_then_one_sentence_says_so(tmp_path: Path, words: tuple[str, str]) -> None:
    assert switchroom(tmp_path, "db", "upgrade").returncode == 0
    assert "no-such-call" in refused(switchroom(tmp_path, *words, "no-such-call"))


def test_given_a_wrong_setting_then_it_is_named(tmp_path: Path) -> None:
    assert "http.port" in refused(switchroom(tmp_path, "db", "upgrade", SWITCHROOM_HTTP__PORT="eighty"))


def test_the_doctor_says_what_was_found_and_that_no_server_runs(tmp_path: Path) -> None:
    switchroom(tmp_path, "db", "upgrade")
    done = switchroom(tmp_path, "doctor")
    assert "ok       asterisk: Asterisk 22." in done.stdout
    assert "speech: no Chinese model" in done.stdout
    assert switchroom(tmp_path, "doctor", "--alive", SWITCHROOM_HTTP__PORT="1").returncode == 1


def test_the_benchmark_of_routing_prints_a_ratio(tmp_path: Path) -> None:
    done = switchroom(tmp_path, "bench", "routing", "--decisions", "200", "--longest", "100")
    assert done.returncode == 0
    assert "×" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SIP__CARRIERS", "198.51.100.7", "JSON"),
        ("SIP__RTP_PORTS", "[30000, 20000]", "sip.rtp_ports"),
        ("HTTP__PORT", "http", "http.port"),
        ("DATABASE_URL", "s3cret@nowhere", "database_url"),
        ("DATABASE_URL", "postgresql+asyncpg://user:s3cret@127.0.0.1:1/calls", "127.0.0.1:1/calls"),
        ("REDIS_URL", "nowhere:s3cret", "redis_url"),
        ("DIALPLANS", "/nonexistent", "/nonexistent/agents.yaml"),
        ("HOME", "/dev/null/home", "/dev/null"),
    ],
)
def test_given_a_setting_that_cannot_be_then_the_server_names_it_and_no_password(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    line = refused(switchroom(tmp_path, "serve", **{f"SWITCHROOM_{name}": value}))
    assert told in line
    assert "s3cret" not in line
