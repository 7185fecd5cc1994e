"""Judging audio: what was heard or recorded."""

import asyncio
import wave
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pytest

from demo.softphone import PhoneCall

RATE = 8000
TONES_HZ = {"caller": 600.0, "agent": 1000.0, "expert": 1500.0}
MUSIC = "music"
LISTENED_S = 0.5


def tone(hz: float, seconds: float) -> np.ndarray:
    """At -14 dBFS, as `demo.softphone.PhoneCall.play` takes it."""
    wave = np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE)
    return (wave * 32767 / 5).astype("<i2")


def read_stereo(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Left and right, of a raw file or of a finished one."""
    if path.suffix == ".wav":
        with wave.open(str(path)) as file:
            data = file.readframes(file.getnframes())
    else:
        data = path.read_bytes()
    frames = np.frombuffer(data, "<i2").reshape(-1, 2).astype(float)
    return frames[:, 0], frames[:, 1]


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / 8000)[spectrum.argmax()])


def share_of(samples: np.ndarray, from_hz: float, to_hz: float) -> float:
    """How much of the sound's energy lies between these frequencies, 0 to 1."""
    energy = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    inside = (frequencies >= from_hz) & (frequencies <= to_hz)
    return float(energy[inside].sum() / max(energy.sum(), 1e-9))


def say(call: PhoneCall, who: str, seconds: float = 60.0) -> None:
    """This phone says the tone of ``who``."""
    tone = np.sin(2 * np.pi * TONES_HZ[who] * np.arange(int(RATE * seconds)) / RATE) * 32767 / 5
    call.play(tone.astype("<i2"))


async def hear(expected: Mapping[PhoneCall, Collection[str]]) -> None:
    """Wait until everybody hears exactly these for a while."""
    found: dict[PhoneCall, set[str]] = {}
    for _ in range(8):
        starts = {call: len(call.heard()) for call in expected}
        await asyncio.sleep(LISTENED_S + 0.1)
        found = {call: heard(call.heard()[start:]) for call, start in starts.items()}
        if found == {call: set(whom) for call, whom in expected.items()}:
            return
    pytest.fail(f"heard: {list(found.values())}, expected: {list(expected.values())}")


def heard(samples: np.ndarray) -> set[str]:
    """Whose tones, and whether the waiting music, which has nothing above 500 Hz."""
    if len(samples) < RATE * LISTENED_S / 2 or np.abs(samples).max() < 100:
        return set()
    found = {who for who, hz in TONES_HZ.items() if share_of(samples, hz - 30, hz + 30) > 0.05}
    return found | ({MUSIC} if share_of(samples, 50, 500) > 0.3 else set())
