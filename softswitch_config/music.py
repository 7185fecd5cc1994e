"""The waiting music: a few soft chords, synthesised here, so that nobody's rights are in it."""

import wave
from pathlib import Path

import numpy as np

_RATE = 8000  # telephone band: what the callers' codecs carry
_CHORD_S = 4.0
_PEAK = 0.18  # about -15 dBFS: present, and not in the way of an announcement
_CHORDS_HZ = (
    (130.81, 261.63, 329.63, 392.00),  # C
    (110.00, 220.00, 261.63, 329.63),  # A minor
    (174.61, 261.63, 349.23, 440.00),  # F
    (196.00, 246.94, 293.66, 392.00),  # G
)


def write_waiting_music(path: Path) -> None:
    """Write a loop of 16 s, 8 kHz, 16 bit, mono; a file that is there is left alone."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(int(_RATE * _CHORD_S)) / _RATE
    # A slow swell and fall: each chord begins and ends in silence, so the loop has no click.
    swell = np.sin(np.pi * time_s / _CHORD_S) ** 2
    chords = [
        swell * sum(np.sin(2 * np.pi * tone_hz * time_s) for tone_hz in chord) / len(chord) for chord in _CHORDS_HZ
    ]
    samples = (np.concatenate(chords) * _PEAK * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples.tobytes())
