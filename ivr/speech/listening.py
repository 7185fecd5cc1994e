"""Hearing one answer: voice activity and endpointing here, recognition in the language's engine."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from ivr.language import spoken
from ivr.machine.effects import Grammar
from ivr.speech.endpointing import DIGITS, PHRASE, Endpointer, SpeechBegan, SpeechEnded
from ivr.speech.port import FRAME_BYTES, Recogniser, SpeechFailed
from switchroom.runtime.background import BackgroundTasks

log = structlog.get_logger(__name__)


class UtteranceListener:
    """Listens for one grammar. Every ``started`` is followed by one ``heard`` or ``lost``."""

    def __init__(
        self,
        recogniser: Recogniser,
        grammar: Grammar,
        tasks: BackgroundTasks,
        started: Callable[[], None],
        heard: Callable[[str, float], None],
        lost: Callable[[], None],
    ) -> None:
        self._recogniser = recogniser
        self._grammar = grammar
        self._tasks = tasks
        self._started = started
        self._heard = heard
        self._lost = lost
        self._endpointer = Endpointer(DIGITS if grammar.digits else PHRASE)
        self._rest = b""

    def hear(self, pcm: bytes) -> None:
        """The caller's audio, in pieces of any length."""
        audio = self._rest + pcm
        whole = len(audio) - len(audio) % FRAME_BYTES
        self._rest = audio[whole:]
        for at in range(0, whole, FRAME_BYTES):
            match self._endpointer.feed(audio[at : at + FRAME_BYTES]):
                case SpeechBegan():
                    self._started()
                case SpeechEnded(utterance):
                    self._tasks.spawn(self._recognise(utterance), name="ivr.recognise")

    async def _recognise(self, utterance: bytes) -> None:
        try:
            understood = await self._recogniser.recognise(self._grammar, utterance)
        except SpeechFailed as error:
            log.warning("speech.failed", language=self._grammar.language, reason=str(error))
            understood = None
        if understood is None:
            self._lost()
        else:
            self._heard(understood.text, understood.confidence)


class Recognisers:
    """The recognisers that this server has, by language."""

    def __init__(self, by_language: Mapping[str, Recogniser]) -> None:
        self._by_language = dict(by_language)

    def find(self, language: str) -> Recogniser | None:
        """The one for the language, else one for another region of it."""
        exact = self._by_language.get(language)
        base = spoken.base(language)
        return exact or next((r for tag, r in self._by_language.items() if spoken.base(tag) == base), None)

    def listener(
        self,
        grammar: Grammar,
        tasks: BackgroundTasks,
        started: Callable[[], None],
        heard: Callable[[str, float], None],
        lost: Callable[[], None],
    ) -> UtteranceListener | None:
        """None when the language cannot be heard now: keys alone answer."""
        recogniser = self.find(grammar.language)
        if recogniser is None or not recogniser.available:
            return None
        return UtteranceListener(recogniser, grammar, tasks, started, heard, lost)

    async def unknown_words(self, language: str, phrases: Sequence[str]) -> Sequence[Sequence[str]]:
        """For each phrase its words that will never be heard; nothing where the language has no recogniser."""
        recogniser = self.find(language)
        if recogniser is None:
            return [()] * len(phrases)
        return await recogniser.unknown_words(phrases)
