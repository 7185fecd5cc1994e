"""Any language that has a Vosk model directory. Runs in a worker process, which is replaced when it grows.

Vosk silently drops a word that its model does not know from a grammar; so each word is looked up first, and
Chinese phrases are split into the model's own words. Some models have no ``[unk]``: they cannot reject by grammar,
and only the confidence is left.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import vosk

from ivr.language import spoken
from ivr.speech.port import SAMPLE_RATE

UNKNOWN = "[unk]"
UNSPACED = frozenset({"zh", "yue", "ja"})
"""Languages written without spaces between words."""
LONGEST_WORD = 8


class VoskEngine:
    def __init__(self, model: str, language: str) -> None:
        vosk.SetLogLevel(-1)
        self._model = vosk.Model(model)
        self._language = spoken.base(language)
        self._knows_unknown = self._knows(UNKNOWN)

    def handle(self, request: Mapping[str, Any], sound: bytes) -> tuple[dict[str, Any], bytes]:
        if request["do"] == "unknown_words":
            return {"unknown": [list(self._split(phrase)[1]) for phrase in request["phrases"]]}, b""
        text, confidence = self._recognise(request["phrases"], request["digits"], sound)
        return {"text": text, "confidence": confidence}, b""

    def _recognise(self, phrases: Sequence[str], digits: bool, sound: bytes) -> tuple[str | None, float]:
        known: dict[str, str] = {}
        for phrase in phrases:
            words, unknown = self._split(phrase)
            if words and not unknown:
                known[" ".join(words)] = phrase
        digit_words = [w for w in spoken.DIGIT_WORDS.get(self._language, {}) if digits and self._knows(w)]
        if not known and not digit_words:
            return None, 0.0
        grammar = [*known, *digit_words, *([UNKNOWN] if self._knows_unknown else [])]
        recogniser = vosk.KaldiRecognizer(self._model, SAMPLE_RATE, json.dumps(grammar, ensure_ascii=False))
        recogniser.SetWords(True)
        recogniser.AcceptWaveform(sound)
        result = json.loads(recogniser.FinalResult())
        text = result.get("text", "")
        said_digits = bool(text) and all(word in digit_words for word in text.split())
        if text not in known and not said_digits:
            return None, 0.0
        confidences = [word["conf"] for word in result.get("result", ())]
        return known.get(text, text), sum(confidences) / len(confidences) if confidences else 0.0

    def _split(self, phrase: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The phrase in words of the model, and what of it the model does not know."""
        if self._language not in UNSPACED:
            words = tuple(phrase.lower().split())
            return words, tuple(word for word in words if not self._knows(word))
        return split_unspaced("".join(phrase.split()), self._knows)

    def _knows(self, word: str) -> bool:
        return int(self._model.vosk_model_find_word(word)) >= 0


def split_unspaced(text: str, knows: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fewest known words that make up ``text``; letters that no word covers are unknown.

    >>> split_unspaced("查订单吧", {"查", "订", "单", "订单"}.__contains__)
    (('查', '订单', '吧'), ('吧',))
    """

    @cache
    def best(start: int) -> tuple[float, tuple[str, ...]]:
        if start == len(text):
            return 0, ()
        ways = []
        for end in range(start + 1, min(len(text), start + LONGEST_WORD) + 1):
            word = text[start:end]
            known = knows(word)
            if known or len(word) == 1:
                cost, rest = best(end)
                ways.append((cost + (1 if known else len(text) + 1), (word, *rest)))
        return min(ways)

    words = best(0)[1]
    return words, tuple(word for word in words if not knows(word))


def open_engine(options: Mapping[str, Any]) -> VoskEngine:
    return VoskEngine(options["model"], options["language"])
