"""Levels and rates of PCM audio. All of it is signed 16-bit little endian with one channel."""

import io
import wave
from typing import cast

import numpy as np
import numpy.typing as npt
import soxr

from ivr.speech.port import SAMPLE_RATE

Samples = npt.NDArray[np.float32]

SPOKEN_RMS = 10 ** (-20 / 20)
"""Speech at -20 dBFS, the usual level of prompts; measured where there is speech."""
PEAK = 10 ** (-1 / 20)


def samples(pcm: bytes) -> Samples:
    """PCM as numbers from -1 to 1."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768)


def pcm(values: Samples) -> bytes:
    """The reverse of `samples`; what is too loud is cut."""
    return (np.clip(values, -1, 32767 / 32768) * 32768).astype("<i2").tobytes()


def resample(values: Samples, rate: int, to_rate: int = SAMPLE_RATE) -> Samples:
    return values if rate == to_rate else cast(Samples, soxr.resample(values, rate, to_rate))


def level(values: Samples) -> Samples:
    """Speech at the level of prompts, without clipping; silence stays silence."""
    loud = values[np.abs(values) > 0.02]
    if not loud.size:
        return values
    gain = min(SPOKEN_RMS / float(np.sqrt(np.mean(loud**2))), PEAK / float(np.max(np.abs(values))))
    return (values * gain).astype(np.float32)


def trim(values: Samples, rate: int, keep_s: float = 0.05) -> Samples:
    """Without the silence at both ends."""
    (loud,) = np.nonzero(np.abs(values) > 0.01)
    if not loud.size:
        return values[:0]
    keep = int(rate * keep_s)
    return values[max(0, loud[0] - keep) : loud[-1] + keep]


def read_wave(content: bytes) -> tuple[Samples, int]:
    """The samples and rate of a WAV file: 16-bit PCM; of several channels the first. Raises ValueError."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"{file.getsampwidth() * 8}-bit samples; 16-bit PCM is needed")
            channels, rate = file.getnchannels(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a PCM WAV file: {error}") from error
    return samples(frames)[::channels], rate
