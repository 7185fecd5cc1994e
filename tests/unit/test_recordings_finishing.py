"""A finished recording is whole, stereo, and measured."""

import math
import os
import wave
from pathlib import Path

import numpy as np
import pytest

from recordings.finishing import finish


def write_raw(path: Path, left: float, right: float, seconds: float = 1.0) -> None:
    """Tones of these amplitudes: caller left, agent right."""
    at = np.arange(int(8000 * seconds)) / 8000
    tone = np.sin(2 * math.pi * 440 * at) * 32767
    np.stack([tone * left, tone * right], axis=1).astype("<i2").tofile(path)


def test_the_caller_is_left_the_agent_right_and_both_are_measured(tmp_path: Path) -> None:
    write_raw(tmp_path / "a.raw", left=0.5, right=0.1, seconds=2.5)
    measured = finish(tmp_path / "a.raw", tmp_path / "deep" / "down" / "a.wav")
    assert measured is not None
    assert measured.seconds == 2.5
    assert measured.left_rms == pytest.approx(0.5 / math.sqrt(2), rel=0.01)
    assert measured.right_rms == pytest.approx(0.1 / math.sqrt(2), rel=0.01)
    with wave.open(str(tmp_path / "deep" / "down" / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        assert file.getnframes() == 20_000


def test_given_nothing_was_said_then_there_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"")
    assert finish(tmp_path / "a.raw", tmp_path / "a.wav") is None
    assert not (tmp_path / "a.wav").exists()


def test_given_a_file_cut_in_the_middle_of_a_sample_then_what_is_whole_is_kept(tmp_path: Path) -> None:
    write_raw(tmp_path / "a.raw", 0.5, 0.5)
    with (tmp_path / "a.raw").open("ab") as file:
        file.write(b"\x01\x02\x03")
    measured = finish(tmp_path / "a.raw", tmp_path / "a.wav")
    assert measured is not None and measured.seconds == 1.0


def test_given_a_disk_that_does_not_take_it_then_the_raw_file_stays_and_no_half_file_is_left(tmp_path: Path) -> None:
    write_raw(tmp_path / "a.raw", 0.5, 0.5)
    before = (tmp_path / "a.raw").read_bytes()
    full = Path("/dev/full")
    (tmp_path / "a.part").symlink_to(full)
    with pytest.raises(OSError):
        finish(tmp_path / "a.raw", tmp_path / "a.wav")
    assert (tmp_path / "a.raw").read_bytes() == before
    assert not (tmp_path / "a.wav").exists()
    assert not os.path.lexists(tmp_path / "a.part")
