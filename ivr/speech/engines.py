"""Which engine recognises which language, and what it can hear."""

import importlib
from collections.abc import Mapping, Sequence

from ivr.language import spoken
from ivr.language.lint import UnknownWords
from ivr.speech.worker import ENGINES, Engine
from switchroom.runtime.settings import Settings

BUILT_IN_LANGUAGE = "en-US"
"""What PocketSphinx's package brings a model for."""

Choice = tuple[str, Mapping[str, str]]
"""An engine's name and options, as a worker process takes them."""


def engines(settings: Settings) -> Mapping[str, Choice]:
    """PocketSphinx for English, Vosk for every language that has a model: also for English, if it has one."""
    chosen: dict[str, Choice] = {BUILT_IN_LANGUAGE: ("pocketsphinx", {})}
    for language, model in settings.speech.vosk_models.items():
        chosen[language] = ("vosk", {"model": str(model), "language": language})
    return chosen


def vocabulary(settings: Settings) -> UnknownWords:
    """For lint: the words of a phrase that the language's engine does not know. Engines are opened in this process."""
    chosen = engines(settings)
    opened: dict[str, Engine] = {}

    def unknown_words(language: str, phrase: str) -> Sequence[str]:
        base = spoken.base(language)
        name = language if language in chosen else next((tag for tag in chosen if spoken.base(tag) == base), None)
        if name is None:
            return ()  # keys only: nothing is listened for
        if name not in opened:
            engine, options = chosen[name]
            opened[name] = importlib.import_module(ENGINES[engine]).open_engine(options)
        reply, _ = opened[name].handle({"do": "unknown_words", "phrases": [phrase]}, b"")
        return tuple(reply["unknown"][0])

    return unknown_words
