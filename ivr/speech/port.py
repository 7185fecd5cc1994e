"""Speech as the menus want it: text to audio, and a caller's words to one of the phrases that are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ivr.machine.effects import Grammar

SAMPLE_RATE = 8000
FRAME_BYTES = 320
"""20 ms of signed 16-bit linear PCM, little endian, one channel: what the telephone gives and takes."""


class SpeechFailed(Exception):
    """The engine died, was too slow, or cannot do this language. Keys go on working."""


@dataclass(frozen=True, slots=True)
class Understood:
    """One of the grammar's phrases, or digit words, with the engine's confidence from 0 to 1."""

    text: str
    confidence: float


class Recogniser(Protocol):
    """Recognises one language."""

    @property
    def available(self) -> bool:
        """Ready now. When it is not, menus are answered by keys."""

    async def recognise(self, grammar: Grammar, utterance: bytes) -> Understood | None:
        """What was said in a whole utterance; None if nothing of the grammar. Raises `SpeechFailed`."""

    async def unknown_words(self, phrases: Sequence[str]) -> Sequence[Sequence[str]]:
        """For each phrase, the words that can never be recognised. Raises `SpeechFailed`."""


class Synthesiser(Protocol):
    """Speaks any language that it has a voice for."""

    @property
    def name(self) -> str:
        """For the log."""

    async def synthesise(self, text: str, language: str) -> bytes:
        """8 kHz PCM. Raises `SpeechFailed`."""
