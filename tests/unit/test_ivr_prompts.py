"""Prompts: the next voice where one fails, and a bound on what is kept."""

import asyncio
from pathlib import Path

import pytest

from ivr.machine.effects import Prompt
from ivr.speech.port import SpeechFailed
from ivr.speech.synthesis import Kept, Prompts
from tests.fakes.ivr_speech import FakeSynthesiser, read_audio

STATIC = Prompt("Main menu.", "en-US", static=True)


class House:
    def __init__(self, folder: Path) -> None:
        self.first, self.second = FakeSynthesiser(), FakeSynthesiser()
        self._folder = folder

    def prompts(self, kept_bytes: int = 1000) -> Prompts:
        folder = self._folder
        return Prompts([self.first, self.second], folder / "recordings", folder / "cache", kept_bytes)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_given_the_first_voice_fails_then_the_next_speaks(house: House) -> None:
    house.first.broken = True
    assert read_audio(await house.prompts().render([STATIC])) == ["Main menu."]
    assert house.second.asked == ["Main menu."]


async def test_given_the_first_voice_is_back_then_what_another_said_for_it_is_not_heard_again(house: House) -> None:
    prompts = house.prompts()
    house.first.broken = True
    await prompts.render([STATIC])
    house.first.broken = False
    await prompts.render([STATIC])
    await house.prompts().render([STATIC])
    assert len(house.first.asked) == 2, "tried, then made and kept"


async def test_given_no_voice_then_it_says_so(house: House) -> None:
    house.first.broken = house.second.broken = True
    with pytest.raises(SpeechFailed, match="no voice can say it in en-US"):
        await house.prompts().render([STATIC])


async def test_given_more_audio_than_is_kept_in_memory_then_the_rest_comes_from_the_disk(house: House) -> None:
    prompts = house.prompts(kept_bytes=320)
    for _ in range(3):
        for name in ("one", "two"):
            assert read_audio(await prompts.render([Prompt(name, "en-US", static=True)])) == [name]
    assert house.first.asked == ["one", "two"]
    assert prompts._kept.bytes == 320


def test_given_a_sound_that_is_too_large_then_it_is_not_kept() -> None:
    kept = Kept(3)
    kept.put("a", b"12")
    kept.put("b", b"1234")
    assert (kept.get("a"), kept.get("b"), kept.bytes) == (None, None, 0)
    kept.put("a", b"1")
    kept.put("a", b"12")
    assert kept.bytes == 2


async def test_given_two_who_make_the_same_prompt_at_once_then_it_is_kept_whole_and_no_part_stays(
    house: House, tmp_path: Path
) -> None:
    both = (house.prompts(), house.prompts())
    heard = await asyncio.gather(*(prompts.render([STATIC]) for prompts in both))
    (kept,) = (tmp_path / "cache").iterdir()
    assert (kept.suffix, kept.read_bytes()) == (".slin", heard[0])


async def test_given_a_prompt_that_cannot_be_put_in_its_place_then_no_part_stays(house: House, tmp_path: Path) -> None:
    await house.prompts().render([STATIC])
    (kept,) = (tmp_path / "cache").iterdir()
    kept.unlink()
    kept.mkdir()
    assert read_audio(await house.prompts().render([STATIC])) == ["Main menu."]
    assert list((tmp_path / "cache").iterdir()) == [kept]
