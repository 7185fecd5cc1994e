"""From the raw file that MixMonitor wrote to a finished recording.

MixMonitor's option ``D`` writes interleaved signed 16-bit samples at 8 kHz, caller left, agent right, without a header:
what was written before a crash is usable. The finished file is an ordinary stereo WAV.
"""

import os
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE = 8000
CHANNELS = 2
SAMPLE_BYTES = 2
FULL_SCALE = 32768.0
BLOCK_FRAMES = 60 * RATE
"""Read at once: an hour's talk takes no more memory than a minute's."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Length in seconds and level of each side (RMS, 0 to 1)."""

    seconds: float
    left_rms: float
    right_rms: float


def partial(target: Path) -> Path:
    """Where ``target`` is written until it is whole."""
    return target.with_suffix(".part")


def finish(raw: Path, target: Path) -> Measured | None:
    """Write ``target`` from ``raw``, completely or not at all; None when nothing was recorded.

    Raises OSError when the disk does not take it; ``raw`` is never touched.
    """
    frame_bytes = CHANNELS * SAMPLE_BYTES
    frames = raw.stat().st_size // frame_bytes
    if not frames:
        return None
    squares = np.zeros(CHANNELS)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = partial(target)
    try:
        with raw.open("rb") as source, unfinished.open("wb") as file:
            with wave.open(file, "wb") as out:
                out.setnchannels(CHANNELS)
                out.setsampwidth(SAMPLE_BYTES)
                out.setframerate(RATE)
                for begin in range(0, frames, BLOCK_FRAMES):
                    count = min(BLOCK_FRAMES, frames - begin) * CHANNELS
                    samples = np.fromfile(source, dtype="<i2", count=count).reshape(-1, CHANNELS)
                    out.writeframes(samples.tobytes())
                    squares += np.square(samples / FULL_SCALE).sum(axis=0)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    left, right = (float(level) for level in np.sqrt(squares / frames))
    return Measured(frames / RATE, left, right)
