"""Voices for when the first one is gone: a synthesiser's own program, started anew for every prompt.

Slower than the engine that stays loaded, but nothing that happens to that one happens to these.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ivr.language import spoken
from ivr.speech import audio
from ivr.speech.espeak_names import espeak_rate, espeak_voices
from ivr.speech.port import SAMPLE_RATE, SpeechFailed

WITHIN_S = 1.5
"""For one prompt; espeak-ng takes 0.03 s for a long one."""

Arguments = Callable[[str, Path], Sequence[str] | None]
"""(language, file for the sound) to the program's arguments; None for a language that it lacks. It reads the text."""


class ProgramSynthesiser:
    """One program (ivr.speech.port.Synthesiser)."""

    def __init__(self, program: str, arguments: Arguments, within_s: float = WITHIN_S) -> None:
        self.name = program
        self._arguments = arguments
        self._within_s = within_s

    async def synthesise(self, text: str, language: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="switchroom-voice-") as folder:
            sound = Path(folder, "sound.wav")
            arguments = self._arguments(language, sound)
            if arguments is None:
                raise SpeechFailed(f"{self.name} does not speak {language}")
            await self._run(arguments, text.encode())
            try:
                values, rate = audio.read_wave(await asyncio.to_thread(sound.read_bytes))
            except (OSError, ValueError) as error:
                raise SpeechFailed(f"{self.name} made no sound") from error
        pcm = audio.pcm(audio.level(audio.trim(audio.resample(values, rate), SAMPLE_RATE)))
        if not pcm:
            raise SpeechFailed(f"{self.name} said nothing")
        return pcm

    async def _run(self, arguments: Sequence[str], text: bytes) -> None:
        """The text goes through the pipe: it can be no option, and is in no list of processes."""
        pipe, quiet = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                self.name, *arguments, stdin=pipe, stdout=quiet, stderr=quiet
            )
        except OSError as error:
            raise SpeechFailed(f"{self.name} cannot be started") from error
        try:
            async with asyncio.timeout(self._within_s):
                await process.communicate(text)
        except TimeoutError:
            raise SpeechFailed(f"{self.name} did not end within {self._within_s} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
        if process.returncode != 0:
            raise SpeechFailed(f"{self.name} failed ({process.returncode})")


def _espeak(language: str, sound: Path) -> Sequence[str]:
    voice = espeak_voices(language)[0]
    return ("-v", voice, "-s", str(espeak_rate(voice)), "--stdin", "-w", str(sound))


def _flite(language: str, sound: Path) -> Sequence[str] | None:
    return ("-voice", "slt", "-f", "-", "-o", str(sound)) if spoken.base(language) == "en" else None


def programs() -> tuple[ProgramSynthesiser, ...]:
    """Those that there may be, in the order in which they are tried."""
    return ProgramSynthesiser("espeak-ng", _espeak), ProgramSynthesiser("flite", _flite)
