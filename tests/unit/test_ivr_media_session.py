"""Flow control of prompts, with a socket whose other end is the test."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType

from ivr.media.codec import ProtocolError
from ivr.media.session import (
    SILENCE_SLICE_FRAMES,
    SILENCE_WINDOW_FRAMES,
    SLICE_FRAMES,
    WINDOW_FRAMES,
    Closed,
    Digit,
    MediaClosed,
    MediaEvent,
    MediaSession,
    Played,
)

FRAME = 320
START: dict[str, Any] = {
    "event": "MEDIA_START",
    "channel": "WebSocket/ivr/0x1",
    "channel_id": "1.1",
    "format": "slin",
    "optimal_frame_size": FRAME,
    "ptime": 20,
}


class FakeSocket:
    """The part of aiohttp's WebSocketResponse that a media session uses."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[WSMessage | None] = asyncio.Queue()
        self.audio = bytearray()
        self.commands: list[dict[str, str]] = []
        self.gone = False
        self.closed = False

    def deliver(self, **fields: object) -> None:
        self.inbox.put_nowait(WSMessage(WSMsgType.TEXT, json.dumps(fields), None))

    def deliver_audio(self, data: bytes) -> None:
        self.inbox.put_nowait(WSMessage(WSMsgType.BINARY, data, None))

    async def receive(self) -> WSMessage:
        return await self.inbox.get() or WSMessage(WSMsgType.CLOSED, None, None)

    async def send_bytes(self, data: bytes) -> None:
        if self.gone:
            raise ConnectionResetError
        self.audio += data

    async def send_str(self, text: str) -> None:
        if self.gone:
            raise ConnectionResetError
        self.commands.append(json.loads(text))

    async def close(self) -> None:
        self.closed = True
        self.inbox.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[WSMessage]:
        while (message := await self.inbox.get()) is not None:
            yield message

    @property
    def marks(self) -> list[str]:
        return [command["correlation_id"] for command in self.commands if command["command"] == "MARK_MEDIA"]

    def names(self) -> list[str]:
        return [command["command"] for command in self.commands]


class Line:
    def __init__(self) -> None:
        self.socket = FakeSocket()
        self.media = MediaSession(self.socket)  # type: ignore[arg-type]
        self.events: list[MediaEvent] = []
        self.heard = bytearray()
        self.media.follow(self.events.append, self.heard.extend)

    async def take(self) -> None:
        """Let the session read everything delivered so far, and then the end."""
        self.socket.inbox.put_nowait(None)
        await self.media.run()


@pytest.fixture
async def line() -> Line:
    line = Line()
    line.socket.deliver(**START)
    await line.media.open(timeout_s=1)
    line.socket.audio.clear()
    line.socket.commands.clear()
    return line


def frames(count: int) -> bytes:
    return bytes(range(256)) * (count * FRAME // 256) + b"\x01" * (count * FRAME % 256)


def spoken(line: Line) -> int:
    """Frames of prompts that were sent; `frames` have no silent one."""
    sent = bytes(line.socket.audio)
    return sum(any(sent[at : at + FRAME]) for at in range(0, len(sent), FRAME))


async def test_given_an_open_connection_then_silence_is_on_its_way_before_anything_else() -> None:
    line = Line()
    line.socket.deliver(**START)
    await line.media.open(timeout_s=1)
    assert bytes(line.socket.audio) == bytes(SILENCE_WINDOW_FRAMES * FRAME)
    line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=line.socket.marks[0])
    await line.take()
    assert bytes(line.socket.audio) == bytes((SILENCE_WINDOW_FRAMES + SILENCE_SLICE_FRAMES) * FRAME)
    assert line.events == [Closed()]


async def test_given_silence_on_its_way_when_a_prompt_is_played_then_it_is_flushed_away_first(line: Line) -> None:
    await line.media.play(1, frames(1))
    assert line.socket.names()[0] == "FLUSH_MEDIA"


async def test_a_short_prompt_goes_out_at_once_in_whole_frames_and_silence_follows(line: Line) -> None:
    await line.media.play(1, b"\x01" * 1000)
    assert bytes(line.socket.audio) == (b"\x01" * 1000).ljust((4 + SILENCE_WINDOW_FRAMES) * FRAME, b"\0")
    line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=line.socket.marks[0])
    await line.take()
    assert line.events == [Played(1), Closed()]


async def test_a_long_prompt_keeps_to_the_window_and_arrives_whole(line: Line) -> None:
    whole = frames(3 * WINDOW_FRAMES + 7)
    await line.media.play(1, whole)
    assert len(line.socket.audio) == WINDOW_FRAMES * FRAME
    for acknowledged in range(1, 3):
        mark = line.socket.marks[acknowledged - 1]
        line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=mark)
    await line.take()
    assert len(line.socket.audio) == (WINDOW_FRAMES + 2 * SLICE_FRAMES) * FRAME

    answered = 2
    while Played(1) not in line.events:
        line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=line.socket.marks[answered])
        answered += 1
        await line.take()
    assert bytes(line.socket.audio) == whole + bytes(SILENCE_WINDOW_FRAMES * FRAME)


async def test_given_asterisk_says_stop_then_nothing_is_sent_until_it_says_go(line: Line) -> None:
    await line.media.play(1, frames(2 * WINDOW_FRAMES))
    line.socket.deliver(event="MEDIA_XOFF")
    line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=line.socket.marks[0])
    await line.take()
    assert len(line.socket.audio) == WINDOW_FRAMES * FRAME
    line.socket.deliver(event="MEDIA_XON")
    await line.take()
    assert len(line.socket.audio) == (WINDOW_FRAMES + SLICE_FRAMES) * FRAME


async def test_given_a_stopped_prompt_then_late_marks_mean_nothing(line: Line) -> None:
    await line.media.play(1, frames(10))
    late = line.socket.marks[0]
    await line.media.stop_prompt()
    await line.media.play(2, frames(10))
    heard = line.socket.marks[-3]  # of the prompt; two of silence follow
    line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=late)
    line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id="nonsense")
    line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=heard)
    await line.take()
    assert line.events == [Played(2), Closed()]


async def test_given_a_prompt_when_it_is_stopped_then_silence_is_sent_in_its_place(line: Line) -> None:
    await line.media.play(1, frames(10))
    await line.media.stop_prompt()
    assert line.socket.names().count("FLUSH_MEDIA") == 2
    assert spoken(line) == 10
    assert bytes(line.socket.audio).endswith(bytes(SILENCE_WINDOW_FRAMES * FRAME))


async def test_nothing_is_flushed_when_nothing_plays(line: Line) -> None:
    await line.media.stop_prompt()
    assert line.socket.commands == []


async def test_given_a_key_before_anybody_listens_then_it_is_told_when_somebody_does() -> None:
    line = Line()
    line.media = MediaSession(line.socket)  # type: ignore[arg-type]
    line.socket.deliver(**START)
    line.socket.deliver(event="DTMF_END", digit="1")
    await line.media.open(timeout_s=1)
    await line.take()
    assert line.events == []
    line.media.follow(line.events.append, line.heard.extend)
    assert line.events == [Digit("1"), Closed()]


async def test_the_direction_is_told_once(line: Line) -> None:
    for on in (False, False, True, True, False):
        await line.media.listen(on)
    assert [command["direction"] for command in line.socket.commands] == ["out", "both", "out"]


async def test_audio_and_digits_come_in_order(line: Line) -> None:
    line.socket.deliver_audio(b"\x01\x02")
    line.socket.deliver(event="DTMF_END", digit="5")
    line.socket.deliver_audio(b"\x03\x04")
    await line.take()
    assert bytes(line.heard) == b"\x01\x02\x03\x04"
    assert line.events == [Digit("5"), Closed()]


async def test_given_a_dead_connection_then_playing_says_so_and_letting_go_does_not(line: Line) -> None:
    line.socket.gone = True
    with pytest.raises(MediaClosed):
        await line.media.play(1, frames(1))
    await line.media.hang_up()
    assert line.socket.closed


async def test_letting_go_stops_the_prompt_and_closes(line: Line) -> None:
    await line.media.play(1, frames(2 * WINDOW_FRAMES))
    await line.media.hang_up()
    assert line.socket.names()[-1] == "HANGUP"
    assert line.socket.closed
    line.socket.deliver(event="MEDIA_MARK_PROCESSED", correlation_id=line.socket.marks[0])
    await line.take()
    assert line.events == [Closed()]


@pytest.mark.parametrize("wrong", [{"format": "ulaw"}, {"optimal_frame_size": 0}, {"event": "DTMF_END"}])
async def test_another_format_or_opening_is_refused(wrong: dict[str, Any]) -> None:
    line = Line()
    line.socket.deliver(**{**START, **wrong})
    with pytest.raises(ProtocolError):
        await line.media.open(timeout_s=1)


async def test_given_no_opening_then_it_is_not_waited_for_longer() -> None:
    with pytest.raises(TimeoutError):
        await Line().media.open(timeout_s=0.01)


async def test_given_an_illegal_message_then_the_session_ends_and_says_so(line: Line) -> None:
    line.socket.deliver(event="DTMF_END", digit="55")
    with pytest.raises(ProtocolError):
        await line.media.run()
    assert line.events == [Closed()]
