"""Offline speech synthesis: espeak-ng through pyttsx3's binding to it. One process, one utterance at a time.

Only the binding (``pyttsx3.drivers._espeak``), in espeak-ng's synchronous mode. pyttsx3's engine runs espeak-ng in the
background and races with it: of 600 prompts (2.99) 159 came out at the speed of another language, because a cancel
threw away the setting of the rate, and one was empty.
"""

import ctypes
from collections.abc import Mapping
from typing import Any

from pyttsx3.drivers import _espeak as espeak

from ivr.speech import audio
from ivr.speech.espeak_names import espeak_rate, espeak_voices
from ivr.speech.port import SAMPLE_RATE


class EspeakEngine:
    """Speaks in the voice of the language that is asked for."""

    def __init__(self) -> None:
        self._rate = int(espeak.Initialize(espeak.AUDIO_OUTPUT_SYNCHRONOUS))
        if self._rate <= 0:
            raise RuntimeError("espeak-ng cannot be initialised; is its data installed?")
        self._sound: list[bytes] = []
        espeak.SetSynthCallback(self._collect)

    def handle(self, request: Mapping[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
        """``text`` in ``language`` to 8 kHz PCM at the level of prompts."""
        voice = self._set_voice(request["language"])
        espeak.SetParameter(espeak.RATE, espeak_rate(voice), 0)
        self._sound.clear()
        espeak.Synth(request["text"].encode(), flags=espeak.ENDPAUSE | espeak.CHARS_UTF8)
        spoken = audio.resample(audio.samples(b"".join(self._sound)), self._rate)
        return {}, audio.pcm(audio.level(audio.trim(spoken, SAMPLE_RATE)))

    def _collect(self, samples: Any, count: int, _: Any) -> int:
        if count > 0:
            self._sound.append(ctypes.string_at(samples, count * 2))
        return 0  # go on

    def _set_voice(self, language: str) -> str:
        for name in espeak_voices(language):
            if espeak.SetVoiceByName(name.encode()) == espeak.EE_OK:
                return name
        raise LookupError(f"no voice for {language}")


def open_engine(options: Mapping[str, Any]) -> EspeakEngine:
    return EspeakEngine()
