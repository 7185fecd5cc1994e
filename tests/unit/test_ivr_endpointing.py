"""Where speech begins and ends, on audio time."""

import numpy as np
import pytest

from ivr.speech import audio
from ivr.speech.endpointing import Endpointer, Limits, SpeechBegan, SpeechEnded
from ivr.speech.port import FRAME_BYTES


def voice(ms: int) -> bytes:
    """A vowel: the harmonics of 140 Hz under two formants, a little rough."""
    at = np.arange(8 * ms) / 8000
    rough = np.random.default_rng(1).normal(0, 0.01, len(at))
    vowel = sum(np.sin(2 * np.pi * 140 * h * at) / (1 + abs(140 * h - 700) / 300) for h in range(1, 20))
    return audio.pcm((vowel * 0.05 + rough).astype(np.float32))


def line(ms: int) -> bytes:
    """An open line: faint noise."""
    return audio.pcm(np.random.default_rng(2).normal(0, 0.0008, 8 * ms).astype(np.float32))


def run(pcm: bytes, limits: Limits | None = None) -> list[tuple[int, SpeechBegan | SpeechEnded]]:
    """The events, each with the milliseconds of audio after which it came."""
    endpointer = Endpointer(limits) if limits else Endpointer()
    found = []
    for at in range(0, len(pcm), FRAME_BYTES):
        event = endpointer.feed(pcm[at : at + FRAME_BYTES])
        if event is not None:
            found.append((at // 16 + 20, event))
    return found


def test_given_an_open_line_then_nothing() -> None:
    assert run(line(5000)) == []


def test_speech_begins_within_150_ms_and_ends_after_the_hangover() -> None:
    (begin, began), (end, ended) = run(line(1000) + voice(600) + line(1000))
    assert isinstance(began, SpeechBegan)
    assert isinstance(ended, SpeechEnded)
    assert 1100 <= begin <= 1160
    assert 1600 + 240 <= end <= 1600 + 400


def test_the_utterance_holds_all_of_the_speech_and_a_little_before() -> None:
    speech = voice(600)
    *_, (_, ended) = run(line(1000) + speech + line(1000))
    assert isinstance(ended, SpeechEnded)
    assert speech in ended.pcm
    assert 200 <= ended.pcm.index(speech) / 16 <= 420


def test_given_a_click_then_no_speech() -> None:
    assert run(line(500) + voice(20) + line(1000)) == []


def test_given_a_short_pause_then_one_utterance_and_given_a_long_one_two() -> None:
    kinds = [type(event) for _, event in run(voice(400) + line(120) + voice(400) + line(1000))]
    assert kinds == [SpeechBegan, SpeechEnded]
    kinds = [type(event) for _, event in run(voice(400) + line(900) + voice(400) + line(1000))]
    assert kinds == [SpeechBegan, SpeechEnded] * 2


def test_given_an_endless_talker_then_the_utterance_is_cut() -> None:
    (_, _), (end, ended), *_ = run(voice(3000), Limits(longest_ms=1000))
    assert isinstance(ended, SpeechEnded)
    assert end <= 1040
    assert len(ended.pcm) <= 16 * 1000


def test_a_frame_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="318"):
        Endpointer().feed(bytes(318))
