"""A language's recogniser: one or more worker processes with the same engine."""

import asyncio
from collections.abc import Sequence

from ivr.machine.effects import Grammar
from ivr.speech.port import SpeechFailed, Understood
from ivr.speech.processes import EngineProcess

RECOGNITION_WITHIN_S = 4.0
"""Above this the caller has been kept waiting for too long: better to ask again."""
VOCABULARY_WITHIN_S = 30.0


class EngineRecogniser:
    """Gives each utterance to the worker with the shortest line (ivr.speech.port.Recogniser)."""

    def __init__(self, language: str, workers: Sequence[EngineProcess]) -> None:
        self.language = language
        self._workers = tuple(workers)

    @property
    def available(self) -> bool:
        return any(worker.available for worker in self._workers)

    async def start(self) -> None:
        """Returns when all workers are ready. Raises `SpeechFailed` if one is not; it goes on trying."""
        results = await asyncio.gather(*(worker.start() for worker in self._workers), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def stop(self) -> None:
        for worker in self._workers:
            await worker.stop()

    async def recognise(self, grammar: Grammar, utterance: bytes) -> Understood | None:
        request = {"do": "recognise", "phrases": list(grammar.phrases), "digits": grammar.digits}
        reply, _ = await self._free_worker().ask(request, utterance, timeout_s=RECOGNITION_WITHIN_S)
        if reply["text"] is None:
            return None
        return Understood(str(reply["text"]), float(reply["confidence"]))

    async def unknown_words(self, phrases: Sequence[str]) -> Sequence[Sequence[str]]:
        request = {"do": "unknown_words", "phrases": list(phrases)}
        reply, _ = await self._free_worker().ask(request, timeout_s=VOCABULARY_WITHIN_S)
        return [tuple(words) for words in reply["unknown"]]

    def _free_worker(self) -> EngineProcess:
        ready = [worker for worker in self._workers if worker.available]
        if not ready:
            raise SpeechFailed(f"no recogniser for {self.language} is running")
        return min(ready, key=lambda worker: worker.waiting)
