"""The voices that stand in: real programs, and programs that do what programs do."""

import asyncio
import os
from pathlib import Path

import pytest

from ivr.speech import audio
from ivr.speech.port import SpeechFailed
from ivr.speech.programs import ProgramSynthesiser, programs
from tests.fixtures.needed import needed_program

ESPEAK, FLITE = programs()


@pytest.mark.parametrize(
    ("voice", "text", "language"),
    [(ESPEAK, "您的订单已发货。", "zh-CN"), (ESPEAK, "It is shipped.", "en-US"), (FLITE, "It is shipped.", "en-GB")],
)
async def test_a_program_speaks_at_the_level_of_prompts(voice: ProgramSynthesiser, text: str, language: str) -> None:
    needed_program(voice.name)
    spoken = audio.samples(await voice.synthesise(text, language))
    assert 0.5 < len(spoken) / 8000 < 4
    assert 0.02 < float((spoken**2).mean()) ** 0.5 < 0.3


@pytest.mark.parametrize("voice", [ESPEAK, FLITE])
async def test_given_a_text_that_looks_like_an_option_then_it_is_said(voice: ProgramSynthesiser) -> None:
    needed_program(voice.name)
    assert len(await voice.synthesise("--version of the order", "en-US")) > 8000


@pytest.mark.parametrize(
    ("voice", "text", "language"),
    [
        (ESPEAK, "x", "xx-XX"),
        (ESPEAK, "", "en-US"),
        (FLITE, "您好", "zh-CN"),
        (ProgramSynthesiser("nothing", lambda *_: ()), "x", "en-US"),
    ],
)
async def test_given_what_it_cannot_say_then_it_says_so(voice: ProgramSynthesiser, text: str, language: str) -> None:
    with pytest.raises(SpeechFailed):
        await voice.synthesise(text, language)


async def test_given_a_program_that_hangs_then_it_is_ended_in_time(tmp_path: Path) -> None:
    hanging = ProgramSynthesiser("sh", lambda *_: ("-c", f"echo $$ > {tmp_path}/pid; exec sleep 60"), within_s=0.5)
    asked = asyncio.get_running_loop().time()
    with pytest.raises(SpeechFailed, match="did not end within"):
        await hanging.synthesise("x", "en-US")
    assert asyncio.get_running_loop().time() - asked < 5
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="ascii")), 0)
