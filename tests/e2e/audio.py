"""Judging audio: what was heard or recorded."""

from pathlib import Path

import numpy as np


def read_stereo(path: Path) -> tuple[np.ndarray, np.ndarray]:
    frames = np.frombuffer(path.read_bytes(), "<i2").reshape(-1, 2).astype(float)
    return frames[:, 0], frames[:, 1]


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / 8000)[spectrum.argmax()])
