"""Artificial speakers heard over the telephone: other voices than the server's own, in band 300-3400 Hz, mu-law."""

import subprocess
from pathlib import Path

import numpy as np
import soxr

from ivr.speech import audio
from tests.fixtures.needed import needed_program
from tests.integration.sip_caller import from_ulaw, to_ulaw

VOICES = (
    *(("flite", voice) for voice in ("slt", "kal16", "awb", "rms")),
    *(("espeak-ng", voice) for voice in ("en-us", "en-gb", "en-us+f3", "en+m4")),
)


def say(program: str, voice: str, text: str, folder: Path, *, telephone: bool = True) -> bytes:
    """8 kHz PCM with half a second of line noise before, and 0.75 s after."""
    needed_program(program)
    path = folder / "said.wav"
    if program == "flite":
        command = ["flite", "-voice", voice, "-t", text, "-o", path]
    else:
        command = ["espeak-ng", "-v", voice, "-s", "150", "-w", path, text]
    subprocess.run(command, check=True)
    values, rate = audio.read_wave(path.read_bytes())
    values = soxr.resample(values, rate, 8000)
    if not telephone:
        return bytes(8000) + audio.pcm(values * 0.8) + bytes(12000)
    return over_the_telephone(values)


def over_the_telephone(values: audio.Samples, noise: float = 0.001) -> bytes:
    spectrum = np.fft.rfft(values)
    frequencies = np.fft.rfftfreq(len(values), 1 / 8000)
    spectrum[(frequencies < 300) | (frequencies > 3400)] = 0
    band = np.fft.irfft(spectrum, len(values))
    band *= 0.4 / np.abs(band).max()
    line = np.concatenate([np.zeros(4000), band, np.zeros(6000)])
    line += np.random.default_rng(len(values)).normal(0, noise, len(line))
    return from_ulaw(to_ulaw(audio.pcm(line.astype(np.float32))))
