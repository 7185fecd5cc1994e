"""Judging audio: what was heard or recorded."""

from pathlib import Path

import numpy as np

RATE = 8000


def tone(hz: float, seconds: float) -> np.ndarray:
    """At -14 dBFS, as `demo.softphone.PhoneCall.play` takes it."""
    wave = np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE)
    return (wave * 32767 / 5).astype("<i2")


def read_stereo(path: Path) -> tuple[np.ndarray, np.ndarray]:
    frames = np.frombuffer(path.read_bytes(), "<i2").reshape(-1, 2).astype(float)
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
