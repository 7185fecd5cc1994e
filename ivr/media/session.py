"""One caller's media connection: prompts out, digits and speech in.

Asterisk paces what we send, so a prompt goes out in bulk. But its queue holds 1,000 frames and a flush must
find little to throw away, so we keep a window: every slice of a prompt is followed by a mark, and at most
`WINDOW_FRAMES` are on their way unacknowledged. The mark after the last slice says that the caller has heard
the prompt to its end.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import WSMsgType, web

from ivr.media import codec

log = structlog.get_logger(__name__)

SLICE_FRAMES = 100
WINDOW_FRAMES = 400
FORMAT = "slin"
"""Signed linear, 16 bit, little endian, 8 kHz."""


class MediaClosed(Exception):
    """The connection is gone: the caller hung up, or Asterisk took them away."""


@dataclass(frozen=True, slots=True)
class Digit:
    """The caller pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """A prompt was heard to its end."""

    prompt: int


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing more will come."""


Happening = Digit | Played | Closed


@dataclass(slots=True)
class _Playing:
    prompt: int
    audio: bytes
    sent: int = 0
    heard: int = 0


class MediaSession:
    """Wraps a WebSocket that Asterisk opened. `run` calls ``on_happening`` and ``on_audio``; neither may block."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._codec = codec.Codec()
        self._frame_bytes = 0
        self._playing: _Playing | None = None
        self._prompts = 0
        self._paused = False
        self._listening: bool | None = None
        self.on_happening: Callable[[Happening], None] = lambda _: None
        self.on_audio: Callable[[bytes], None] = lambda _: None

    async def open(self, timeout_s: float) -> codec.MediaStarted:
        """Wait for Asterisk's first message. Raises `ProtocolError`, `MediaClosed` or `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            message = await self._socket.receive()
        if message.type is not WSMsgType.TEXT:
            raise MediaClosed
        started = self._codec.receive_text(message.data)
        assert isinstance(started, codec.MediaStarted)  # the codec lets nothing else pass first
        if started.format != FORMAT:
            raise codec.ProtocolError(f"audio is {started.format[:20]}; the dialplan must ask for c({FORMAT})")
        self._frame_bytes = started.frame_bytes
        return started

    async def run(self) -> None:
        """Read until the connection ends. Raises `ProtocolError`; `Closed` is the last happening in any case."""
        try:
            async for message in self._socket:
                if message.type is WSMsgType.BINARY:
                    self.on_audio(self._codec.receive_audio(message.data).data)
                elif message.type is WSMsgType.TEXT:
                    await self._take(self._codec.receive_text(message.data))
        except MediaClosed:
            pass
        finally:
            self.on_happening(Closed())

    async def play(self, pcm: bytes) -> int:
        """Play ``pcm`` in place of whatever plays; returns the number that `Played` will carry."""
        await self.hush()
        self._prompts += 1
        whole_frames = -(-len(pcm) // self._frame_bytes) or 1
        self._playing = _Playing(self._prompts, pcm.ljust(whole_frames * self._frame_bytes, b"\0"))
        await self._send_more()
        return self._prompts

    async def hush(self) -> None:
        """Stop the prompt at once; it will not be reported as played."""
        if self._playing is not None:
            self._playing = None
            await self._command(codec.Ask.FLUSH)

    async def listen(self, wanted: bool) -> None:
        """Have the caller's audio, or not: unheard it would still cost 50 messages a second."""
        if wanted is not self._listening:
            self._listening = wanted
            await self._command(codec.SetDirection("both" if wanted else "out"))

    async def hang_up(self) -> None:
        """Let go of the caller: the dialplan goes on with them."""
        self._playing = None
        with contextlib.suppress(MediaClosed, codec.ProtocolError):
            await self._command(codec.Ask.HANG_UP)
        await self._socket.close()

    async def _take(self, event: codec.Event) -> None:
        match event:
            case codec.DigitPressed(digit):
                self.on_happening(Digit(digit))
            case codec.MarkReached(mark):
                await self._acknowledge(mark)
            case codec.SendingPaused():
                self._paused = True
            case codec.SendingResumed():
                self._paused = False
                await self._send_more()
            case codec.CommandRefused(reason):
                log.warning("media.command_refused", reason=reason)

    async def _acknowledge(self, mark: str) -> None:
        """A mark that was on its way when its prompt was hushed names an older prompt: nothing waits for it."""
        prompt, _, heard = mark.partition(":")
        playing = self._playing
        if playing is None or prompt != str(playing.prompt) or not heard.isdecimal():
            return
        playing.heard = int(heard)
        if playing.heard >= len(playing.audio):
            self._playing = None
            self.on_happening(Played(playing.prompt))
        else:
            await self._send_more()

    async def _send_more(self) -> None:
        """Fill the window. Every await may let a hush or another filling in, so the state is read again after it."""
        slice_bytes, window_bytes = SLICE_FRAMES * self._frame_bytes, WINDOW_FRAMES * self._frame_bytes
        playing = self._playing
        while (
            playing is not None
            and playing is self._playing
            and not self._paused
            and playing.sent < len(playing.audio)
            and playing.sent - playing.heard < window_bytes
        ):
            part = playing.audio[playing.sent : playing.sent + slice_bytes]
            playing.sent += len(part)
            mark = codec.Mark(f"{playing.prompt}:{playing.sent}")
            await self._write(self._socket.send_bytes(self._codec.send_audio(part)))
            await self._command(mark)

    async def _command(self, command: codec.Command) -> None:
        await self._write(self._socket.send_str(self._codec.send(command)))

    async def _write(self, sending: Awaitable[None]) -> None:
        try:
            await sending
        except ConnectionError as error:  # aiohttp's ClientConnectionResetError is one
            raise MediaClosed from error
