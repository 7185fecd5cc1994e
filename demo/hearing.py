"""What a caller hears, measured by the times at which its packets arrived."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RATE = 8000
SILENT_FOR_S = 0.3
"""Longer than the pauses within a prompt."""
AUDIBLE_RMS = 0.003
"""About -50 dBFS: below this a packet is silence."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet of audio. ``arrived_at`` is UNIX time in seconds, ``pcm`` signed 16-bit samples at 8 kHz."""

    arrived_at: float
    pcm: bytes

    @property
    def audible(self) -> bool:
        return level(self.pcm) > AUDIBLE_RMS

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE


def level(pcm: bytes) -> float:
    """RMS of signed 16-bit samples, 0 to 1.

    >>> level(b"\\x00\\x40" * 160)
    0.5
    """
    values = np.frombuffer(pcm, "<i2").astype(float) / 32768
    return float(np.sqrt(np.mean(np.square(values)))) if len(values) else 0.0


def sound_s(packets: Sequence[Packet]) -> float:
    """How many seconds of sound there were, silence not counted."""
    return sum(packet.seconds for packet in packets if packet.audible)


def loudness_dbfs(packets: Sequence[Packet]) -> float | None:
    """The level of the sound that there was, relative to full scale; None for silence.

    >>> loudness_dbfs([Packet(0.0, b"\\x00\\x40" * 160), Packet(0.02, bytes(320))])
    -6.0
    """
    rms = level(b"".join(packet.pcm for packet in packets if packet.audible))
    return round(20 * math.log10(rms), 1) if rms else None


def fell_silent_at(packets: Sequence[Packet], since: float) -> float | None:
    """When the sound that was heard at ``since`` ended: None until `SILENT_FOR_S` without sound have followed.

    >>> talk, hush = b"\\x00\\x40" * 160, bytes(320)
    >>> line = [Packet(n * 0.02, talk if n < 100 else hush) for n in range(130)]
    >>> fell_silent_at(line, 1.0)
    2.0
    >>> fell_silent_at(line[:110], 1.0) is None
    True
    """
    silent_since = since
    for packet in packets:
        if packet.arrived_at < since:
            continue
        if packet.arrived_at - silent_since >= SILENT_FOR_S:
            return silent_since
        if packet.audible:
            silent_since = round(packet.arrived_at + packet.seconds, 3)
    return None


def longest_gap_s(packets: Sequence[Packet]) -> float:
    """The longest time without a packet between the first and the last.

    >>> longest_gap_s([Packet(0.0, b""), Packet(0.02, b""), Packet(0.52, b"")])
    0.5
    """
    times = [packet.arrived_at for packet in packets]
    return max((after - before for before, after in itertools.pairwise(times)), default=0.0)
