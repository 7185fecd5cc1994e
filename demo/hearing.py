"""What a caller hears, measured."""

import numpy as np

RATE = 8000
SILENT_FOR_MS = 300
"""Longer than the pauses within a prompt."""
SILENT_RMS = 0.003


def prompt_ends_ms(samples: np.ndarray) -> float | None:
    """After how many milliseconds a prompt falls silent; None if it goes on to the end.

    >>> speech = np.sin(np.arange(RATE) / 3) * 8000
    >>> prompt_ends_ms(np.concatenate([speech[:1600], np.zeros(4000)]))
    200.0
    >>> prompt_ends_ms(speech) is None
    True
    """
    frame = RATE // 100
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(float) / 32768
    silent = np.sqrt(np.mean(np.square(frames), axis=1)) < SILENT_RMS
    needed = SILENT_FOR_MS // 10
    for at in range(len(silent) - needed + 1):
        if silent[at : at + needed].all():
            return at * 10.0
    return None
