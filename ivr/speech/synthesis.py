"""Prompts to audio: a supervisor's recording where there is one, else synthesised speech, kept by content.

Only static text is kept on disk: other text may hold personal data.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from ivr.files import write_whole
from ivr.machine.effects import Prompt
from ivr.speech import audio
from ivr.speech.port import SAMPLE_RATE, SpeechFailed, Synthesiser
from ivr.speech.processes import EngineProcess

log = structlog.get_logger(__name__)

SYNTHESIS_WITHIN_S = 1.5
"""For one prompt, the wait for the prompts before it included; then the next voice is asked."""
KEPT_BYTES = 32 * 1024 * 1024
"""Audio in memory, about half an hour of it; the rest is read from the disk."""
GAP = bytes(int(SAMPLE_RATE * 0.25) * 2)
"""A breath between two prompts."""
CACHE_VERSION = "2"
"""To be changed with anything that makes the same text sound different."""


class Kept:
    """Audio in memory, bounded: what was not used for the longest time makes room.

    >>> kept = Kept(limit_bytes=5)
    >>> kept.put("a", b"123"); kept.put("b", b"12"); kept.get("a"); kept.put("c", b"1")
    b'123'
    >>> kept.get("b") is None, kept.bytes
    (True, 4)
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._sounds: OrderedDict[str, bytes] = OrderedDict()
        self.bytes = 0

    def get(self, key: str) -> bytes | None:
        if key in self._sounds:
            self._sounds.move_to_end(key)
        return self._sounds.get(key)

    def put(self, key: str, sound: bytes) -> None:
        """Keep it, unless it alone is too large."""
        self.bytes += len(sound) - len(self._sounds.pop(key, b""))
        self._sounds[key] = sound
        while self.bytes > self._limit_bytes:
            _, dropped = self._sounds.popitem(last=False)
            self.bytes -= len(dropped)


class EngineSynthesiser:
    """The synthesiser in its worker process (ivr.speech.port.Synthesiser)."""

    def __init__(self, process: EngineProcess) -> None:
        self.name = process.engine
        self._process = process

    async def synthesise(self, text: str, language: str) -> bytes:
        _, sound = await self._process.ask({"text": text, "language": language}, timeout_s=SYNTHESIS_WITHIN_S)
        if not sound:
            raise SpeechFailed("the voice said nothing")
        return sound


class Prompts:
    """Audio of prompts. ``recordings`` is the supervisors' folder, ``cache`` ours.

    Where one of the ``voices`` fails, the next one speaks.
    """

    def __init__(
        self, voices: Sequence[Synthesiser], recordings: Path, cache: Path, kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._voices = tuple(voices)
        self._recordings = recordings
        self._cache = cache
        self._kept = Kept(kept_bytes)

    async def render(self, prompts: Sequence[Prompt]) -> bytes:
        """The prompts, one after the other, as 8 kHz PCM. Raises `SpeechFailed`."""
        return GAP.join([await self._sound(prompt) for prompt in prompts])

    async def prepare(self, prompts: Iterable[Prompt]) -> None:
        """Have the static ones ready before anybody waits for them. What fails is tried again when it is needed."""
        for prompt in prompts:
            try:
                await self._sound(prompt)
            except SpeechFailed as error:
                log.warning("prompts.not_prepared", language=prompt.language, reason=str(error))

    async def _sound(self, prompt: Prompt) -> bytes:
        if prompt.audio is not None and (recorded := await self._recorded(prompt.language, prompt.audio)) is not None:
            return recorded
        if not prompt.static:
            return (await self._speak(prompt))[0]
        key = hashlib.sha256("\0".join((CACHE_VERSION, prompt.language, prompt.text)).encode()).hexdigest()
        return self._kept.get(key) or await self._cached(key, prompt)

    async def _cached(self, key: str, prompt: Prompt) -> bytes:
        path = self._cache / f"{key}.slin"
        try:
            sound = await asyncio.to_thread(path.read_bytes)
        except OSError:  # not made yet
            sound, by_the_first = await self._speak(prompt)
            if not by_the_first:
                return sound  # for once: the first voice is to be heard again when it is back
            try:
                await asyncio.to_thread(write_whole, path, sound)
            except OSError as error:  # a full disk costs a synthesis after the next start, not a caller
                log.warning("prompts.not_kept", language=prompt.language, reason=error.strerror)
        self._kept.put(key, sound)
        return sound

    async def _speak(self, prompt: Prompt) -> tuple[bytes, bool]:
        """The sound, and whether the first voice made it. Raises `SpeechFailed` when none can."""
        for voice in self._voices:
            try:
                return await voice.synthesise(prompt.text, prompt.language), voice is self._voices[0]
            except SpeechFailed as error:
                log.warning("prompts.voice_failed", voice=voice.name, language=prompt.language, reason=str(error))
        raise SpeechFailed(f"no voice can say it in {prompt.language}")

    async def _recorded(self, language: str, name: str) -> bytes | None:
        path = self._recordings / language / f"{name}.wav"
        try:
            changed = (await asyncio.to_thread(path.stat)).st_mtime_ns
        except OSError:
            return None
        key = f"{path}:{changed}"
        if (known := self._kept.get(key)) is not None:
            return known
        try:
            sound = await asyncio.to_thread(_read_recording, path)
        except (OSError, ValueError) as error:
            log.warning("prompts.recording_unusable", file=path.name, reason=str(error))
            return None
        self._kept.put(key, sound)
        return sound


def _read_recording(path: Path) -> bytes:
    values, rate = audio.read_wave(path.read_bytes())
    return audio.pcm(audio.level(audio.resample(values, rate)))
