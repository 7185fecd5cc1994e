"""The folders that only their owner reads."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from switchroom.runtime.home import open_recordings


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_given_an_open_folder_of_recordings_then_it_is_shut_with_what_is_below_but_for_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside.wav"
    outside.write_bytes(b"x")
    outside.chmod(0o644)
    folder = tmp_path / "recordings"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "a.wav").write_bytes(b"x")
    (folder / "2026" / "link.wav").symlink_to(outside)
    for path, before in ((folder, 0o755), (folder / "2026", 0o775), (folder / "2026" / "a.wav", 0o644)):
        path.chmod(before)
    open_recordings(folder)
    assert [mode(path) for path in (folder, folder / "2026", folder / "2026" / "a.wav")] == [0o700, 0o700, 0o600]
    assert mode(outside) == 0o644


def test_given_no_folder_of_recordings_then_it_is_made_for_us_alone(tmp_path: Path) -> None:
    open_recordings(tmp_path / "deep" / "recordings")
    assert mode(tmp_path / "deep" / "recordings") == 0o700


def test_given_a_folder_of_another_user_then_it_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o750)
    somebody_else = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)
    open_recordings(tmp_path)
    assert mode(tmp_path) == 0o750


def test_given_a_file_in_the_way_then_the_log_says_so_and_nothing_else_happens(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    with capture_logs() as logs:
        open_recordings(tmp_path / "recordings")
    assert [entry["event"] for entry in logs] == ["home.recordings_not_private"]
