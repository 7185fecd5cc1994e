"""Callers on real lines in the demo menus: Asterisk, RTP and engines are real, call control and data are fakes."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ivr.service import Ivr
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import QueueName
from switchroom.runtime.listening import Doors
from switchroom.runtime.settings import Media, Settings
from tests.fakes.ivr_calls import FakeCallControl, FakeLookups
from tests.integration import voices
from tests.integration.ivr_asterisk import running_asterisk
from tests.integration.sip_caller import SipCaller

CHINESE, ENGLISH = "4008123123", "4008123124"


@dataclass
class House:
    sip_port: int
    calls: FakeCallControl
    ivr: Ivr


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    calls = FakeCallControl()
    ivr = Ivr(Settings(home=tmp_path / "home", media=Media(port=0)), calls, FakeLookups(), most=100)
    opened = Doors()
    await ivr.start(opened)
    asterisk = running_asterisk(tmp_path / "asterisk", ivr.media.port)
    running = await asyncio.to_thread(asterisk.__enter__)
    try:
        recogniser = ivr.recognisers.find("en-US")
        assert recogniser is not None
        async with asyncio.timeout(60):
            while not recogniser.available:
                await asyncio.sleep(0.05)
        yield House(running.sip_port, calls, ivr)
    finally:
        await asyncio.to_thread(asterisk.__exit__, None, None, None)
        opened.close()
        await ivr.stop()


@asynccontextmanager
async def call(house: House, number: str) -> AsyncIterator[SipCaller]:
    house.calls.any_caller = number
    async with SipCaller(house.sip_port, number) as caller:
        yield caller


async def test_self_service_by_voice_and_keys(house: House, tmp_path: Path) -> None:
    async with call(house, ENGLISH) as caller:
        begun = await caller.hears_sound(time.monotonic())
        await caller.hears_silence(0.6)
        ended = caller.last_sound(begun)
        assert ended is not None and 4 < ended - begun < 12, "the whole menu"
        assert 0.02 < caller.level(begun, ended) < 0.3

        caller.say(voices.say("flite", "rms", "orders", tmp_path))
        await house.calls.reaches("ask_order")
        assert ("input", "main", "speech", "orders") in house.calls.record
        caller.press("20260105#")
        await house.calls.reaches("tell_order")
        await house.calls.reaches("anything_else", 20)
        assert ("input", "ask_order", "dtmf", "20260105") in house.calls.record
    await house.calls.until("released")


async def test_given_keys_during_the_greeting_then_straight_to_the_queue(house: House) -> None:
    async with call(house, CHINESE) as caller:
        await caller.hears_sound(time.monotonic())
        caller.press("2")
        queued = await house.calls.until("queue", 10)
        await asyncio.wait_for(caller.hung_up.wait(), 5)
    assert house.calls.path == ["welcome", "main", "returns"]
    assert queued[1] == Requirements(QueueName("returns"), {"returns": 1, "lang:zh": 1}, CustomerTier.STANDARD)


async def test_given_keys_typed_ahead_then_no_question_is_waited_for(house: House) -> None:
    async with call(house, CHINESE) as caller:
        caller.press("120260105#")
        await house.calls.reaches("tell_order", 10)
        begun = await caller.hears_sound(time.monotonic())
        assert caller.level(begun, begun + 0.5) > 0.0
    assert house.calls.path[:4] == ["welcome", "main", "ask_order", "find_order"]


async def test_given_silence_then_a_human(house: House) -> None:
    async with call(house, ENGLISH) as caller:
        caller.press("1")
        await house.calls.reaches("ask_order")
        caller.press("1")
        await house.calls.reaches("agent", 90)
        await house.calls.until("queue", 10)
        await asyncio.wait_for(caller.hung_up.wait(), 5)


async def test_given_a_voice_during_the_prompt_then_it_falls_silent_quickly(house: House, tmp_path: Path) -> None:
    speech = voices.say("flite", "slt", "operator", tmp_path)[8000:]  # without the half second of line before
    delays = []
    for _ in range(3):
        async with call(house, ENGLISH) as caller:
            await caller.hears_sound(time.monotonic())
            await asyncio.sleep(1)
            spoke = time.monotonic()
            caller.say(speech)
            await house.calls.reaches("agent")
            silences = [at for at, frame in caller.heard if at > spoke and not any(frame)]
            delays.append(silences[0] - spoke)
        await house.calls.until("released")
        house.calls.record.clear()
    assert sorted(delays)[1] < 0.35, delays


async def test_given_the_recogniser_dies_then_keys_still_lead_on(house: House, tmp_path: Path) -> None:
    recogniser = house.ivr.recognisers.find("en-US")
    async with call(house, ENGLISH) as caller:
        await caller.hears_sound(time.monotonic())
        for worker in recogniser._workers:  # type: ignore[union-attr]
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
        caller.say(voices.say("flite", "slt", "operator", tmp_path))
        heard_from = time.monotonic()
        await asyncio.sleep(2)
        assert caller.level(heard_from) > 0.01, "the caller is spoken to"
        caller.press("3")
        queued = await house.calls.until("queue", 10)
    assert queued[1].queue == "complaints"
