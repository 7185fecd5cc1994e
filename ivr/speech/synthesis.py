"""Prompts to audio: a supervisor's recording where there is one, else synthesised speech, kept by content.

Only static text is kept on disk: other text may hold personal data.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from ivr.machine.effects import Prompt
from ivr.speech import audio
from ivr.speech.port import SAMPLE_RATE, SpeechFailed, Synthesiser
from ivr.speech.processes import EngineProcess

log = structlog.get_logger(__name__)

SYNTHESIS_WITHIN_S = 5.0
GAP = bytes(int(SAMPLE_RATE * 0.25) * 2)
"""A breath between two prompts."""
CACHE_VERSION = "2"
"""To be changed with anything that makes the same text sound different."""


class EngineSynthesiser:
    """The synthesiser in its worker process (ivr.speech.port.Synthesiser)."""

    def __init__(self, process: EngineProcess) -> None:
        self._process = process

    async def synthesise(self, text: str, language: str) -> bytes:
        _, sound = await self._process.ask({"text": text, "language": language}, timeout_s=SYNTHESIS_WITHIN_S)
        if not sound:
            raise SpeechFailed("the voice said nothing")
        return sound


class Prompts:
    """Audio of prompts. ``recordings`` is the supervisors' folder, ``cache`` ours."""

    def __init__(self, synthesiser: Synthesiser, recordings: Path, cache: Path) -> None:
        self._synthesiser = synthesiser
        self._recordings = recordings
        self._cache = cache
        self._kept: dict[str, bytes] = {}

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
            return await self._synthesiser.synthesise(prompt.text, prompt.language)
        key = hashlib.sha256("\0".join((CACHE_VERSION, prompt.language, prompt.text)).encode()).hexdigest()
        if key not in self._kept:
            self._kept[key] = await self._cached(self._cache / f"{key}.slin", prompt)
        return self._kept[key]

    async def _cached(self, path: Path, prompt: Prompt) -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError:
            pass  # not made yet
        sound = await self._synthesiser.synthesise(prompt.text, prompt.language)
        try:
            await asyncio.to_thread(_write_whole, path, sound)
        except OSError as error:  # a full disk costs a synthesis after the next start, not a caller
            log.warning("prompts.not_kept", language=prompt.language, reason=error.strerror)
        return sound

    async def _recorded(self, language: str, name: str) -> bytes | None:
        path = self._recordings / language / f"{name}.wav"
        try:
            changed = (await asyncio.to_thread(path.stat)).st_mtime_ns
        except OSError:
            return None
        key = f"{path}:{changed}"
        if key not in self._kept:
            try:
                self._kept[key] = await asyncio.to_thread(_read_recording, path)
            except (OSError, ValueError) as error:
                log.warning("prompts.recording_unusable", file=path.name, reason=str(error))
                return None
        return self._kept[key]


def _read_recording(path: Path) -> bytes:
    values, rate = audio.read_wave(path.read_bytes())
    return audio.pcm(audio.level(audio.resample(values, rate)))


def _write_whole(path: Path, content: bytes) -> None:
    """So that nobody ever reads a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
