"""Offline speech synthesis by pyttsx3, which drives espeak-ng. Its loop is not thread-safe: it runs in a worker."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyttsx3

from ivr.speech import audio
from ivr.speech.port import SAMPLE_RATE

WORDS_PER_MINUTE = 165
HANZI_PER_MINUTE = 250
"""espeak-ng counts a character as a word."""
ESPEAK_NAMES: Mapping[str, str] = {"zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "zh-hk": "yue"}


class Pyttsx3Engine:
    def __init__(self) -> None:
        self._engine = pyttsx3.init()
        self._voices = {voice.id.rpartition("/")[2].lower(): voice.id for voice in self._engine.getProperty("voices")}

    def handle(self, request: Mapping[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
        """``text`` in ``language`` to 8 kHz PCM at the level of prompts."""
        voice = self._voice(request["language"])
        self._engine.setProperty("voice", voice)
        self._engine.setProperty("rate", HANZI_PER_MINUTE if "/sit/" in f"/{voice}" else WORDS_PER_MINUTE)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "speech.wav"
            self._engine.save_to_file(request["text"], str(path))
            self._engine.runAndWait()
            values, rate = audio.read_wave(path.read_bytes())
        spoken = audio.trim(audio.resample(values, rate), SAMPLE_RATE)
        return {}, audio.pcm(audio.level(spoken))

    def _voice(self, language: str) -> str:
        tag = language.lower()
        for name in (ESPEAK_NAMES.get(tag), tag, ESPEAK_NAMES.get(tag.partition("-")[0]), tag.partition("-")[0]):
            if name in self._voices:
                return str(self._voices[name])
        raise LookupError(f"no voice for {language}")


def open_engine(options: Mapping[str, Any]) -> Pyttsx3Engine:
    return Pyttsx3Engine()
