"""Configuring an Asterisk that runs elsewhere, and the secret that it and the server share."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.app import Server
from server.cli import app
from switchroom.runtime.settings import Asterisk, Settings, SettingsError

CONFIGURE = ["asterisk", "configure", "--modules", "/usr/lib/asterisk/modules", "--data", "/usr/share/asterisk"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SWITCHROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SWITCHROOM_ASTERISK__MODE", "remote")
    yield tmp_path / "home"


def written_secret(home: Path) -> str:
    manager = (home / "asterisk" / "etc" / "manager.conf").read_text(encoding="utf-8")
    return next(line.split(" = ")[1] for line in manager.splitlines() if line.startswith("secret"))


def test_given_no_asterisk_here_when_configured_then_its_own_folders_are_written(home: Path) -> None:
    done = CliRunner().invoke(app, CONFIGURE)
    assert done.exit_code == 0, done.output
    text = (home / "asterisk" / "etc" / "asterisk.conf").read_text(encoding="utf-8")
    assert "astmoddir => /usr/lib/asterisk/modules\n" in text
    assert "astdatadir => /usr/share/asterisk\n" in text
    numbers = (home / "asterisk" / "etc" / "extensions.conf").read_text(encoding="utf-8")
    assert "exten => 4008123123,1,GotoIf(" in numbers


def test_given_no_secret_set_when_configured_then_one_is_made_and_kept(home: Path) -> None:
    CliRunner().invoke(app, CONFIGURE)
    made = home / "secrets" / "ami_secret"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    CliRunner().invoke(app, CONFIGURE)
    assert written_secret(home) == made.read_text(encoding="ascii")


def test_given_a_secret_set_when_configured_then_asterisk_expects_that_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHROOM_ASTERISK__AMI_SECRET", "from-the-settings")
    CliRunner().invoke(app, CONFIGURE)
    assert written_secret(home) == "from-the-settings"


async def test_given_a_remote_asterisk_not_configured_here_then_its_secret_is_asked_for(
    tmp_path: Path,
) -> None:
    server = Server(Settings(home=tmp_path, asterisk=Asterisk(mode="remote")))
    with pytest.raises(SettingsError, match="ami_secret is needed"):
        await server.start()
