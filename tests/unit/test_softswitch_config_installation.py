"""Finding the machine's Debian mirror and telling a usable Asterisk from another."""

from pathlib import Path

import pytest

from softswitch_config.errors import SoftswitchConfigError
from softswitch_config.installation import debian_mirror, find, version

DEB822 = """\
Types: deb
# URIs: http://commented.example/debian
URIs: http://security.example/debian-security http://deb822.example/debian
Suites: bookworm
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb https://packages.example/apt cloud-sdk main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://oneline.example/debian/ bookworm main
"""


def test_the_mirror_comes_from_deb822_sources(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list").write_text(ONE_LINE)
    assert debian_mirror(tmp_path) == "http://deb822.example/debian"


@pytest.mark.parametrize("place", ["sources.list", "sources.list.d/debian.list"])
def test_the_mirror_comes_from_one_line_sources(tmp_path: Path, place: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / place).write_text(ONE_LINE)
    assert debian_mirror(tmp_path) == "http://oneline.example/debian"


def test_no_mirror_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SoftswitchConfigError, match="no Debian mirror"):
        debian_mirror(tmp_path)


def script(path: Path, body: str) -> tuple[str, ...]:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return (str(path),)


def test_the_version_is_read_from_the_program(tmp_path: Path) -> None:
    told = "echo 'Asterisk 22.10.1+dfsg+~cs6.17.60671434-1'"
    assert version(script(tmp_path / "asterisk", told)) == (22, 10)
    assert version(script(tmp_path / "other", "echo hello")) is None
    assert version((str(tmp_path / "missing"),)) is None


def test_a_half_finished_tree_is_no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no Asterisk of the machine's own
    (tmp_path / "usr" / "sbin").mkdir(parents=True)
    script(tmp_path / "usr" / "sbin" / "asterisk", "echo 'Asterisk 22.10.1'")
    assert find(tmp_path) is None
