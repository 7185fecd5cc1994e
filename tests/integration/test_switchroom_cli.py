"""The commands as people type them: what they print, and their exit codes."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from switchroom.runtime.settings import PROJECT
from tests.fixtures.postgres import running_postgres
from tests.fixtures.redis import RedisServer


def switchroom(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *words],
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
    [line] = [line for line in done.stderr.strip().splitlines() if not line.startswith("{")]  # the log
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


@pytest.mark.parametrize("words", [("contacts", "show"), ("acd", "explain")])
def test_given_an_unknown_call_then_one_sentence_says_so(tmp_path: Path, words: tuple[str, str]) -> None:
    assert switchroom(tmp_path, "db", "upgrade").returncode == 0
    assert "no-such-call" in refused(switchroom(tmp_path, *words, "no-such-call"))


def test_given_a_wrong_setting_then_it_is_named(tmp_path: Path) -> None:
    assert "http.port" in refused(switchroom(tmp_path, "db", "upgrade", SWITCHROOM_HTTP__PORT="eighty"))


def test_the_doctor_says_what_was_found_and_that_no_server_runs(tmp_path: Path) -> None:
    switchroom(tmp_path, "db", "upgrade")
    done = switchroom(tmp_path, "doctor")
    assert "ok       asterisk: Asterisk 22." in done.stdout
    assert "ok       database: SQLite 3." in done.stdout
    assert "speech: no Chinese model" in done.stdout
    assert switchroom(tmp_path, "doctor", "--alive", SWITCHROOM_HTTP__PORT="1").returncode == 1


def checked(home: Path, **environment: str) -> dict[str, tuple[bool, str]]:
    """What the doctor found, by check; its exit code must agree."""
    done = switchroom(home, "doctor", "--format", "json", **environment)
    told = json.loads(done.stdout)
    assert (done.returncode == 0) == told["ok"] == all(check["ok"] for check in told["checks"])
    return {check["name"]: (check["ok"], check["detail"]) for check in told["checks"]}


def test_given_a_carriers_name_that_is_none_then_the_doctor_names_it(tmp_path: Path) -> None:
    ok, detail = checked(tmp_path, SWITCHROOM_SIP__CARRIERS='["127.0.0.2", "sip.carrier.invalid", "localhost"]')[
        "carriers"
    ]
    assert not ok
    assert "sip.carrier.invalid" in detail
    assert "localhost" not in detail


@pytest.mark.parametrize("missing", ["agents.yaml", "queues.yaml", "menus", ""])
def test_given_missing_dialplans_then_the_doctor_names_what_is_missing(tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "plans"
    if missing:
        shutil.copytree(PROJECT / "dialplans", folder)
        there = folder / missing
        shutil.rmtree(there) if there.is_dir() else there.unlink()
    found = checked(tmp_path, SWITCHROOM_DIALPLANS=str(folder))
    assert not found["dialplans"][0]
    assert (f"no {missing}" if missing else str(folder)) in found["dialplans"][1]
    if missing in ("menus", ""):
        assert not found["menus"][0]


def test_given_a_redis_and_a_postgresql_that_are_away_then_the_doctor_names_them_without_a_password(
    tmp_path: Path,
) -> None:
    found = checked(
        tmp_path,
        SWITCHROOM_REDIS_URL="redis://:s3cret@127.0.0.1:1",
        SWITCHROOM_DATABASE_URL="postgresql+asyncpg://user:s3cret@127.0.0.1:1/calls",
    )
    assert not found["redis"][0]
    assert "SWITCHROOM_REDIS_URL" in found["redis"][1]
    assert not found["database"][0]
    assert "cannot be reached" in found["database"][1]
    assert "s3cret" not in str(found)


def test_given_a_redis_and_a_postgresql_then_the_doctor_tells_their_versions(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="redis-") as folder, running_postgres() as postgres:
        redis = RedisServer(Path(folder))
        try:
            services = {"SWITCHROOM_REDIS_URL": redis.url, "SWITCHROOM_DATABASE_URL": postgres.url}
            assert switchroom(tmp_path, "db", "upgrade", **services).returncode == 0
            found = checked(tmp_path, **services)
        finally:
            redis.stop()
    assert re.fullmatch(r"Redis \d+\.\d.*, writable", found["redis"][1])
    assert re.fullmatch(r"PostgreSQL \d+.*, writable", found["database"][1])


def test_the_doctor_names_the_known_defects_of_the_asterisk_that_it_finds(tmp_path: Path) -> None:
    told = json.loads(switchroom(tmp_path, "doctor", "--format", "json").stdout)
    version = next(check["detail"] for check in told["checks"] if check["name"] == "asterisk")
    named = [note for note in told["notes"] if "#1979" in note]
    assert bool(named) == (tuple(map(int, version.split()[1].split("."))) < (22, 11))


VARIABLE, FILE = {"SWITCHROOM_HTP__PORT": "1"}, {"SWITCHROOM_CONFIG": "own.yaml"}


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        *(
            (words, VARIABLE, "did you mean SWITCHROOM_HTTP__PORT?")
            for words in ("serve", "doctor", "users list", "demo")
        ),
        ("serve", {"SWITCHROOM_HTTP__PRT": "1"}, "did you mean SWITCHROOM_HTTP__PORT?"),
        ("serve", FILE, "there is no setting `htp.port`; did you mean http.port?"),
        ("serve", {"SWITCHROOM_CONFIG": "/nowhere.yaml"}, "SWITCHROOM_CONFIG names /nowhere.yaml"),
    ],
)
def test_given_a_setting_that_does_not_exist_then_nothing_starts_and_it_is_named(
    tmp_path: Path, words: str, environment: dict[str, str], told: str
) -> None:
    if environment is FILE:
        config = tmp_path / "own.yaml"
        config.write_text("htp: {port: 1}", encoding="utf-8")
        environment = {"SWITCHROOM_CONFIG": str(config)}
    command = ["demo", "--once"] if words == "demo" else ["server.cli", *words.split()]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "SWITCHROOM_HOME": str(tmp_path / "home"), **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    out = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, out
    assert told in out
    assert "Traceback" not in out
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("port", "kind"),
    [("HTTP__PORT", socket.SOCK_STREAM), ("MEDIA__PORT", socket.SOCK_STREAM)],
)
def test_given_a_taken_port_then_the_server_names_the_setting(
    tmp_path: Path, port: str, kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free = {"SWITCHROOM_HTTP__PORT": "0", "SWITCHROOM_MEDIA__PORT": "0"}
        own = {f"SWITCHROOM_{port}": str(taken.getsockname()[1])}
        assert f"set another with SWITCHROOM_{port}" in refused(switchroom(tmp_path, "serve", **{**free, **own}))


def test_the_benchmark_of_routing_prints_a_ratio(tmp_path: Path) -> None:
    done = switchroom(tmp_path, "bench", "routing", "--decisions", "200", "--longest", "100")
    assert done.returncode == 0
    assert "×" in done.stdout.splitlines()[2]


def test_the_benchmark_of_the_core_prints_a_rate_for_each_size(tmp_path: Path) -> None:
    done = switchroom(tmp_path, "bench", "acd-core", "--contacts", "1000")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["20", "100", "1000"]


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
