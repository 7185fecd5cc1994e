"""A caller's whole way through a menu, with Asterisk's side of the socket played by the test."""

import asyncio
import math
import random
import struct
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr.machine import effects
from ivr.ports import LookupFailed
from ivr.replay import replay
from ivr.speech.port import SpeechFailed, Understood
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.ids import QueueName
from tests.fakes.ivr_asterisk import FakeAsterisk
from tests.fixtures.menu_house import CALLER, MENU, House, menu_house
from tests.support.waiting import eventually


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with menu_house(tmp_path) as house:
        yield house


def voice(seconds: float) -> bytes:
    """A buzz with speech-like harmonics, then silence long enough to end the utterance."""
    noise = random.Random(1)
    sound = [
        int(3000 * sum(math.sin(math.tau * 140 * h * i / 8000) / h for h in range(1, 12)) + noise.gauss(0, 200))
        for i in range(int(8000 * seconds))
    ]
    return struct.pack(f"<{len(sound)}h", *(max(-32768, min(32767, s)) for s in sound)) + bytes(16000)


VOICE = voice(0.6)


async def test_given_keys_then_self_service_to_the_goodbye(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.press("1")
        await asterisk.hears("Your number.")
        await asterisk.press("20260105#")
        await asterisk.hears("It is shipped.")
        await asterisk.hears("Goodbye.")
        await asyncio.wait_for(asterisk.closed.wait(), 20)

    assert house.lookups.asked == [("orders", {"number": "20260105"})]
    assert house.calls.path == ["main", "ask", "find", "bye"]
    assert house.calls.record[0][:2] == ("flow", "shop")
    assert ("input", "ask", "dtmf", "20260105") in house.calls.record
    assert house.calls.record[-2:] == [("finish",), ("released",)]


async def test_given_silence_then_the_caller_waits_for_an_agent(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        queued = await house.calls.until("queue")
        await asyncio.wait_for(asterisk.closed.wait(), 20)

    assert asterisk.said == ["Main menu.", "Nothing heard.", "Main menu.", "One moment."]
    assert queued[1:] == (Requirements(QueueName("general"), {"lang:en": 1}, CustomerTier.GOLD), {"language": "en-US"})
    assert asterisk.commands[-1] == "HANGUP"


async def test_given_a_key_during_the_prompt_then_it_is_flushed(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.press("1")
        await asterisk.hears("Your number.")
        assert "FLUSH_MEDIA" in asterisk.commands


async def test_given_keys_faster_than_the_prompts_then_each_prompt_is_cut_off(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("It is shipped.")
        assert asterisk.queued == ["It is shipped."]


async def test_given_a_phrase_then_it_is_taken(house: House) -> None:
    house.recogniser.answers = [Understood("orders", 0.9)]
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        assert asterisk.direction == "both"
        await asterisk.speak(VOICE)
        await asterisk.hears("Your number.")
    assert ("input", "main", "speech", "orders") in house.calls.record
    assert set(house.recogniser.asked[0].phrases) == {"orders", "agent"}
    assert "FLUSH_MEDIA" in asterisk.commands


@pytest.mark.parametrize("answer", [None, SpeechFailed("died")])
async def test_given_no_understanding_then_it_says_so_and_keys_go_on_working(
    house: House, answer: SpeechFailed | None
) -> None:
    house.recogniser.answers = [answer]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.speak(VOICE)
        await asterisk.hears("Not understood.")
        await asterisk.press("2")
        await house.calls.until("finish")


async def test_given_no_recogniser_then_the_callers_audio_is_not_even_sent(house: House) -> None:
    house.recogniser.available = False
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.press("1")
        await asterisk.hears("Your number.")
        assert asterisk.direction == "out"


async def test_given_a_source_that_fails_once_then_it_is_asked_again(house: House) -> None:
    house.lookups.answers = [LookupFailed("busy")]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("It is shipped.")
    assert len(house.lookups.asked) == 2


@pytest.mark.parametrize("kind", ["slow", "crash"])
async def test_given_a_source_that_does_not_answer_then_a_human(house: House, kind: str) -> None:
    house.lookups.slow_s = 5 if kind == "slow" else 0
    house.lookups.answers = [ValueError("bug"), ValueError("bug")]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("Sorry.")
        await house.calls.until("queue")


@pytest.mark.parametrize("value", [Decimal("1.5"), float("nan"), {1, 2}])
async def test_given_a_record_that_cannot_be_written_down_then_the_source_has_failed(
    house: House, value: object
) -> None:
    house.lookups.answers = [{"status": value}] * 2
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("Sorry.")
        await house.calls.until("queue")


async def test_given_the_caller_hangs_up_then_the_call_is_released(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
    await house.calls.until("released")
    assert house.calls.path == ["main"]


@pytest.mark.parametrize("error", [Refused("timeout"), UnknownContact("gone"), RuntimeError("bug")])
async def test_given_the_queue_cannot_be_had_then_the_dialplan_gets_the_caller(house: House, error: Exception) -> None:
    house.calls.fails_with = error
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("0")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    await house.calls.until("released")


@pytest.mark.parametrize("foreseen", [True, False])
async def test_given_no_voice_then_the_caller_waits_for_a_person_with_what_was_entered(
    house: House, foreseen: bool
) -> None:
    house.synthesiser.broken = foreseen
    house.synthesiser.fails_on = {"It is shipped."}
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        fell_back = await house.calls.until("fall_back")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    assert house.calls.path == ["main", "ask", "find"], "the order's state cannot be spoken"
    assert fell_back == ("fall_back", {"number": "20260105", "language": "en-US"})


async def test_given_no_voice_for_the_word_before_the_queue_then_the_caller_waits_there_all_the_same(
    house: House,
) -> None:
    house.synthesiser.broken = True
    await house.prompts_forgotten()
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("0")
        queued = await house.calls.until("queue")
    assert queued[1].queue == "general"


async def test_given_a_voice_at_work_when_a_key_is_pressed_then_it_acts_at_once_and_the_prompt_is_never_heard(
    house: House,
) -> None:
    house.synthesiser.slow_s = 60
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await house.calls.reaches("find")
        await eventually(lambda: "It is shipped." in house.synthesiser.asked)
        pressed = asyncio.get_running_loop().time()
        await asterisk.press("5")
        await asterisk.hears("Goodbye.")
        assert asyncio.get_running_loop().time() - pressed < 1
        await house.calls.until("finish")
    assert "It is shipped." not in asterisk.said


async def test_given_a_fault_of_ours_in_the_menu_then_the_caller_waits_for_a_person_with_what_was_entered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("bug")

    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260106")
        await asterisk.hears("No such order.")
        monkeypatch.setattr(house.calls, "input_taken", fails)
        await asterisk.press("20260107")
        fell_back = await house.calls.until("fall_back")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    assert fell_back == ("fall_back", {"number": "20260107", "language": "en-US"})


async def test_given_a_flow_that_goes_in_circles_then_the_caller_waits_in_the_fallback_queue(house: House) -> None:
    house.lookups.answers = [{"status": "shipped"}] * 200
    async with FakeAsterisk(house.port, "c-3") as asterisk:
        await house.calls.until("fall_back")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    assert house.calls.record[-2:] == [("fall_back", {}), ("released",)]
    assert asterisk.commands[-1] == "HANGUP"


async def test_given_a_condition_of_the_wrong_type_then_the_log_says_so_once(house: House, tmp_path: Path) -> None:
    house.lookups.answers = [{"status": "shipped", "total": "1299.00"}] * 2
    (tmp_path / "menus/shop.yaml").write_text(
        MENU.replace("goto: bye}\n    not", "goto: decide}\n    not")
        + """  decide: {when: [{if: "order.total > 1000.0", goto: agent}, {else: bye}]}\n"""
    )
    await house.flows.load()
    with capture_logs() as logs:
        for _ in range(2):
            async with FakeAsterisk(house.port, "c-1") as asterisk:
                await asterisk.press("120260105")
                await house.calls.until("released")
            house.calls.record.clear()
    warned = [one for one in logs if one["event"] == "flow.condition_of_wrong_type"]
    assert [(one["node"], one["condition"]) for one in warned] == [("decide", "order.total > 1000.0")]


async def test_given_a_call_then_its_records_replay_to_what_was_done(house: House) -> None:
    house.recogniser.answers = [Understood("orders", 0.9)]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.speak(VOICE)
        await asterisk.hears("Your number.")
        await asterisk.press("20260199")
        await asterisk.hears("No such order.")
        await asterisk.press("20260105#")
        await house.calls.until("finish")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    flow = house.flows.find(CALLER.number)
    assert flow is not None
    done = replay(flow, CALLER, house.calls.inputs)
    assert [effect.node for effect in done if isinstance(effect, effects.Visited)] == house.calls.path
    taken = [("input", e.node, e.kind.value, e.value) for e in done if isinstance(e, effects.Taken)]
    assert taken == [entry for entry in house.calls.record if entry[0] == "input"]
    looked_up = [(e.source, dict(e.arguments)) for e in done if isinstance(e, effects.LookUp)]
    assert looked_up == house.lookups.asked
    assert any(isinstance(effect, effects.Finish) for effect in done)


async def test_given_a_caller_who_hangs_up_with_keys_kept_then_they_are_recorded_as_secrets(house: House) -> None:
    house.lookups.slow_s = 60
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.press("120260105")
        await house.calls.reaches("find")
        await asterisk.press("4711")
    await house.calls.until("released")
    keys = [one.received["digit"] for one in house.calls.inputs if one.kind == "digit"]
    assert "".join(keys) == "120260105????"
