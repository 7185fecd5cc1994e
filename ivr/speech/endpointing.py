"""Where speech begins and ends. The audio's own duration is the clock: nothing here knows what time it is."""

from collections import deque
from dataclasses import dataclass

import webrtcvad

from ivr.speech.port import FRAME_BYTES, SAMPLE_RATE

FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths in milliseconds of audio.

    Speech begins when ``onset_ms`` of the last ``onset_window_ms`` are voiced, and ends after ``hangover_ms``
    without voice; ``pre_roll_ms`` before the beginning belong to it, for soft first sounds. An utterance is cut
    at ``longest_ms``.
    """

    onset_ms: int = 120
    onset_window_ms: int = 180
    pre_roll_ms: int = 300
    hangover_ms: int = 260
    longest_ms: int = 8000
    aggressiveness: int = 3
    """WebRTC's 0 to 3: 3 takes least noise for speech."""


PHRASE = Limits()
DIGITS = Limits(hangover_ms=700)
"""People pause between the digits of a long number."""


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The caller is speaking."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """A whole utterance, with a little silence at both ends."""

    pcm: bytes


class Endpointer:
    """Feed it whole frames of 20 ms."""

    def __init__(self, limits: Limits = PHRASE) -> None:
        self._limits = limits
        self._vad = webrtcvad.Vad(self._limits.aggressiveness)
        self._recent: deque[bool] = deque(maxlen=self._limits.onset_window_ms // FRAME_MS)
        self._pre_roll: deque[bytes] = deque(maxlen=(self._limits.pre_roll_ms + self._limits.onset_ms) // FRAME_MS)
        self._utterance: list[bytes] = []
        self._silent_ms = 0

    def feed(self, frame: bytes) -> SpeechBegan | SpeechEnded | None:
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"a frame of {len(frame)} bytes instead of {FRAME_BYTES}")
        voiced = self._vad.is_speech(frame, SAMPLE_RATE)
        return self._speaking(frame, voiced) if self._utterance else self._waiting(frame, voiced)

    def _waiting(self, frame: bytes, voiced: bool) -> SpeechBegan | None:
        self._recent.append(voiced)
        self._pre_roll.append(frame)
        if sum(self._recent) * FRAME_MS < self._limits.onset_ms:
            return None
        self._utterance = list(self._pre_roll)
        self._silent_ms = 0
        return SpeechBegan()

    def _speaking(self, frame: bytes, voiced: bool) -> SpeechEnded | None:
        self._utterance.append(frame)
        self._silent_ms = 0 if voiced else self._silent_ms + FRAME_MS
        if self._silent_ms < self._limits.hangover_ms and len(self._utterance) * FRAME_MS < self._limits.longest_ms:
            return None
        ended = SpeechEnded(b"".join(self._utterance))
        self._utterance = []
        self._recent.clear()
        self._pre_roll.clear()
        return ended
