"""Speech for tests: audio that carries its own text, so that a test can read what was played."""

import asyncio
from collections.abc import Sequence

from ivr.machine.effects import Grammar
from ivr.speech.port import FRAME_BYTES, SpeechFailed, Understood


class FakeSynthesiser:
    """The "audio" of a text is the text, in UTF-16 (ivr.speech.port.Synthesiser)."""

    name = "fake"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = False
        self.slow_s = 0.0
        self.fails_on: set[str] = set()
        """Texts over which it stumbles in a way that nobody foresaw."""

    async def synthesise(self, text: str, language: str) -> bytes:
        self.asked.append(text)
        await asyncio.sleep(self.slow_s)
        if self.broken:
            raise SpeechFailed("broken")
        if text in self.fails_on:
            raise RuntimeError(text)
        encoded = text.encode("utf-16-le")
        return encoded.ljust(-(-len(encoded) // FRAME_BYTES) * FRAME_BYTES, b"\0")


def read_audio(pcm: bytes) -> list[str]:
    """The texts in such audio."""
    return [text for text in pcm.decode("utf-16-le", errors="replace").split("\0") if text]


class FakeRecogniser:
    """Answers what it is told, whatever was said (ivr.speech.port.Recogniser)."""

    def __init__(self) -> None:
        self.available = True
        self.answers: list[Understood | SpeechFailed | None] = []
        self.asked: list[Grammar] = []

    async def recognise(self, grammar: Grammar, utterance: bytes) -> Understood | None:
        self.asked.append(grammar)
        answer = self.answers.pop(0)
        if isinstance(answer, SpeechFailed):
            raise answer
        return answer

    async def unknown_words(self, phrases: Sequence[str]) -> Sequence[Sequence[str]]:
        return [() for _ in phrases]
