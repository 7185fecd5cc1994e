"""Levels, rates and files of audio."""

import io
import wave

import numpy as np
import pytest

from ivr.speech import audio
from ivr.speech.vosk_engine import split_unspaced


def tone(amplitude: float, rate: int = 8000, seconds: float = 1.0) -> audio.Samples:
    return (amplitude * np.sin(np.arange(int(rate * seconds)) * 2 * np.pi * 440 / rate)).astype(np.float32)


def wav(pcm: bytes, *, rate: int = 8000, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm)
    return buffer.getvalue()


def test_pcm_and_samples_are_each_others_reverse() -> None:
    pcm = np.array([0, 1, -1, 32767, -32768], "<i2").tobytes()
    assert audio.pcm(audio.samples(pcm)) == pcm


def test_what_is_too_loud_is_cut_and_does_not_wrap() -> None:
    assert np.frombuffer(audio.pcm(np.array([2.0, -2.0], np.float32)), "<i2").tolist() == [32767, -32768]


@pytest.mark.parametrize("amplitude", [0.05, 0.3, 0.99])
def test_soft_and_loud_speech_come_to_one_level(amplitude: float) -> None:
    levelled = audio.level(tone(amplitude))
    assert float(np.sqrt(np.mean(levelled**2))) == pytest.approx(0.1, rel=0.15)
    assert float(np.abs(levelled).max()) < 0.9


def test_silence_stays_silence() -> None:
    assert not audio.level(np.zeros(100, np.float32)).any()
    assert audio.trim(np.zeros(100, np.float32), 8000).size == 0


def test_the_silence_around_speech_is_cut() -> None:
    padded = np.concatenate([np.zeros(8000, np.float32), tone(0.5), np.zeros(8000, np.float32)])
    assert 8000 <= audio.trim(padded, 8000).size <= 8000 + 2 * 400


def test_resampling_keeps_the_tone() -> None:
    resampled = audio.resample(tone(0.5, rate=22050), 22050)
    assert resampled.size == pytest.approx(8000, abs=2)
    assert int(np.argmax(np.abs(np.fft.rfft(resampled)))) == pytest.approx(440, abs=1)


def test_a_recording_is_read_whatever_its_rate_and_channels() -> None:
    left = audio.pcm(tone(0.5, rate=16000))
    stereo = np.column_stack([np.frombuffer(left, "<i2"), np.zeros(16000, "<i2")]).astype("<i2").tobytes()
    values, rate = audio.read_wave(wav(stereo, rate=16000, channels=2))
    assert rate == 16000
    assert audio.pcm(values) == left


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a file", wav(b"\x80" * 80, width=1)])
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        audio.read_wave(content)


@pytest.mark.parametrize(
    ("text", "words", "unknown"),
    [
        ("转人工", ("转", "人工"), ()),
        ("人工服务", ("人工", "服务"), ()),
        ("退款", ("退", "款"), ("款",)),
        ("", (), ()),
    ],
)
def test_chinese_is_split_into_the_fewest_words_of_the_model(
    text: str, words: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    assert split_unspaced(text, {"转", "人", "工", "人工", "服务", "服", "务", "退"}.__contains__) == (words, unknown)
