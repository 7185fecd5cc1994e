"""The media session against the real Asterisk, heard through a real RTP leg."""

import asyncio
import math
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from ivr.media.session import Closed, Digit, MediaEvent, MediaSession, Played
from tests.integration.ivr_asterisk import running_asterisk
from tests.integration.sip_caller import SipCaller


def tone(seconds: float) -> bytes:
    return b"".join(
        struct.pack("<h", int(8000 * math.sin(math.tau * 440 * i / 8000))) for i in range(int(8000 * seconds))
    )


class Line:
    """The first caller's media session, its events and audio."""

    def __init__(self) -> None:
        self.up = asyncio.Event()
        self.media: MediaSession
        self.events: list[MediaEvent] = []
        self.audio = bytearray()
        self.changed = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("media",))
        await socket.prepare(request)
        self.media = MediaSession(socket)
        await self.media.open(timeout_s=2)
        self.media.follow(self.events.append, self.audio.extend)
        self.up.set()
        await self.media.run()
        return socket

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10) -> float:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)
        return time.monotonic()


@asynccontextmanager
async def a_call(home: Path) -> AsyncIterator[tuple[SipCaller, Line]]:
    line = Line()
    application = web.Application()
    application.router.add_get("/media", line.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    asterisk = running_asterisk(home / "asterisk", port)
    running = await asyncio.to_thread(asterisk.__enter__)
    try:
        async with SipCaller(running.sip_port, "4008123123") as caller:
            await asyncio.wait_for(line.up.wait(), 5)
            yield caller, line
    finally:
        await asyncio.to_thread(asterisk.__exit__, None, None, None)
        await runner.cleanup()


async def test_a_prompt_longer_than_asterisks_queue_is_heard_whole_and_once(tmp_path: Path) -> None:
    async with a_call(tmp_path) as (caller, line):
        long = tone(25.03)
        asked = time.monotonic()
        prompt = 1
        await line.media.play(prompt, long)
        begun = await caller.hears_sound(asked)
        ended = await line.until(lambda: Played(prompt) in line.events, 40)
        await caller.hears_silence(0.3)

        heard = [at for at, _ in caller.heard if begun <= at <= (caller.last_sound(begun) or 0)]
        assert begun - asked < 0.1
        assert 24.9 < ended - asked < 25.5
        assert abs(len(heard) * 0.02 - 25.04) < 0.06, "no frame lost, none twice"
        assert caller.level(begun, ended - 0.1) == pytest.approx(8000 / 32768 / math.sqrt(2), rel=0.05)


async def test_given_a_prompt_when_a_key_is_pressed_and_it_is_stopped_then_silence_at_once(tmp_path: Path) -> None:
    async with a_call(tmp_path) as (caller, line):
        begun = time.monotonic()
        stopped_one = 1
        await line.media.play(stopped_one, tone(10))
        await caller.hears_sound(begun)
        caller.press("5")
        await line.until(lambda: Digit("5") in line.events)
        stopped = time.monotonic()
        await line.media.stop_prompt()
        after = 2
        await line.media.play(after, tone(0.5))
        await line.until(lambda: Played(after) in line.events)
        gap = [at for at, _ in caller.heard if at > stopped]

        assert Played(stopped_one) not in line.events
        assert line.events == [Digit("5"), Played(after)]
        assert gap, "audio goes on flowing"
        await caller.hears_silence(0.3)
        assert (caller.last_sound(stopped) or 0) - stopped < 0.5 + 0.15, "nothing of the stopped_one prompt is left"


async def test_the_callers_audio_comes_only_when_asked_for_and_digits_always(tmp_path: Path) -> None:
    async with a_call(tmp_path) as (caller, line):
        await line.media.listen(True)
        caller.say(tone(1))
        await line.until(lambda: len(line.audio) > 16000)
        await line.media.listen(False)
        caller.press("42#")
        await line.until(lambda: len(line.events) == 3)
        heard = len(line.audio)
        caller.press("*")
        await line.until(lambda: len(line.events) == 4)

        assert line.events == [Digit("4"), Digit("2"), Digit("#"), Digit("*")]
        assert len(line.audio) == heard
        assert max(struct.unpack(f"<{heard // 2}h", line.audio)) > 6000


async def test_letting_go_hands_the_caller_to_the_dialplan(tmp_path: Path) -> None:
    async with a_call(tmp_path) as (caller, line):
        await line.media.play(1, tone(5))
        await line.media.hang_up()
        await asyncio.wait_for(caller.hung_up.wait(), 5)
        await line.until(lambda: Closed() in line.events)
    assert "MENU LEFT ANSWER" in (tmp_path / "asterisk/log/messages.log").read_text()


async def test_given_the_caller_hangs_up_then_the_session_ends(tmp_path: Path) -> None:
    async with a_call(tmp_path) as (_, line):
        await line.media.play(1, tone(5))
    assert line.events == [Closed()]
