"""One caller's media connection: prompts out, silence between them, digits and speech in.

Asterisk paces what we send, so a prompt goes out in bulk. But its queue holds 1,000 frames and a flush must
find little to throw away, so we keep a window: every slice of a prompt is followed by a mark, and at most
`WINDOW_FRAMES` are on their way unacknowledged. The mark after the last slice says that the caller has heard
the prompt to its end.

Where nothing is sent, Asterisk sends the caller no RTP at all, and a carrier may take the call for dead. So every
prompt is followed by silence without end, from the first message of the connection on. A prompt flushes it away.
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
SILENCE_SLICE_FRAMES = 20
SILENCE_WINDOW_FRAMES = 40
"""0.8 s of silence on their way: so long may this process be held up before the line goes dead."""
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


MediaEvent = Digit | Played | Closed


@dataclass(slots=True)
class _Stream:
    """What is sent from one flush to the next: a prompt (none if 0), and then silence. Lengths are in bytes."""

    number: int
    frame_bytes: int
    prompt: int = 0
    audio: bytes = b""
    sent: int = 0
    heard: int = 0

    @property
    def speaking(self) -> bool:
        return self.heard < len(self.audio)

    def next(self) -> bytes:
        """The slice to send now; nothing while enough is on its way."""
        if self.sent < len(self.audio):
            room = self.sent - self.heard < WINDOW_FRAMES * self.frame_bytes
            part = self.audio[self.sent : self.sent + SLICE_FRAMES * self.frame_bytes] if room else b""
        else:
            silent = self.sent - max(self.heard, len(self.audio))
            room = silent < SILENCE_WINDOW_FRAMES * self.frame_bytes
            part = bytes(SILENCE_SLICE_FRAMES * self.frame_bytes) if room else b""
        self.sent += len(part)
        return part


class MediaSession:
    """Wraps a WebSocket that Asterisk opened. `open` it, then let `run` read; `follow` says what is read."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._codec = codec.Codec()
        self._stream: _Stream | None = None
        """None before the connection is open, and after it was let go."""
        self._streams = 0
        self._frame_bytes = 0
        self._paused = False
        self._listening: bool | None = None
        self._early: list[MediaEvent] = []
        self._on_event: Callable[[MediaEvent], None] = self._early.append
        self._on_audio: Callable[[bytes], None] = lambda _: None

    async def open(self, timeout_s: float) -> codec.MediaStarted:
        """Wait for Asterisk's first message; from then on the caller hears silence, at least.

        Raises `ProtocolError`, `MediaClosed` or `TimeoutError`.
        """
        async with asyncio.timeout(timeout_s):
            message = await self._socket.receive()
        if message.type is not WSMsgType.TEXT:
            raise MediaClosed
        started = self._codec.receive_text(message.data)
        assert isinstance(started, codec.MediaStarted)  # the codec lets nothing else pass first
        if started.format != FORMAT:
            raise codec.ProtocolError(f"audio is {started.format[:20]}; the dialplan must ask for c({FORMAT})")
        self._frame_bytes = started.frame_bytes
        await self._begin()
        return started

    def follow(self, on_event: Callable[[MediaEvent], None], on_audio: Callable[[bytes], None]) -> None:
        """Where events and audio go from now on; neither may block. Earlier events are passed on at once."""
        for event in self._early:
            on_event(event)
        self._early.clear()
        self._on_event, self._on_audio = on_event, on_audio

    async def run(self) -> None:
        """Read until the connection ends. Raises `ProtocolError`; `Closed` is the last event in any case."""
        try:
            async for message in self._socket:
                if message.type is WSMsgType.BINARY:
                    self._on_audio(self._codec.receive_audio(message.data).data)
                elif message.type is WSMsgType.TEXT:
                    await self._take(self._codec.receive_text(message.data))
        except MediaClosed:
            pass
        finally:
            self._on_event(Closed())

    async def play(self, prompt: int, pcm: bytes) -> None:
        """Play ``pcm`` in place of what plays; ``prompt`` (from 1) is the number that `Played` will carry."""
        whole_frames = -(-len(pcm) // self._frame_bytes) or 1
        await self._begin(prompt, pcm.ljust(whole_frames * self._frame_bytes, b"\0"))

    async def stop_prompt(self) -> None:
        """Stop the prompt at once; it will not be reported as played."""
        if self._stream is not None and self._stream.speaking:
            await self._begin()

    async def listen(self, on: bool) -> None:
        """Have the caller's audio, or not: unheard it would still cost 50 messages a second."""
        if on is not self._listening:
            self._listening = on
            await self._command(codec.SetDirection("both" if on else "out"))

    async def hang_up(self) -> None:
        """Let go of the caller: the dialplan goes on with them."""
        self._stream = None
        with contextlib.suppress(MediaClosed, codec.ProtocolError):
            await self._command(codec.Ask.HANG_UP)
        await self._socket.close()

    async def _take(self, event: codec.Event) -> None:
        match event:
            case codec.DigitPressed(digit):
                self._on_event(Digit(digit))
            case codec.MarkReached(mark):
                await self._acknowledge(mark)
            case codec.SendingPaused():
                self._paused = True
            case codec.SendingResumed():
                self._paused = False
                await self._fill()
            case codec.CommandRefused(reason):
                log.warning("media.command_refused", reason=reason)

    async def _begin(self, prompt: int = 0, audio: bytes = b"") -> None:
        """Begin a new stream; what is left of the old one is thrown away."""
        old, self._streams = self._stream, self._streams + 1
        self._stream = _Stream(self._streams, self._frame_bytes, prompt, audio)
        if old is not None:
            await self._command(codec.Ask.FLUSH)
        await self._fill()

    async def _acknowledge(self, mark: str) -> None:
        """A mark that was on its way when its stream was flushed names an older stream: nothing waits for it."""
        number, _, heard = mark.partition(":")
        stream = self._stream
        if stream is None or number != str(stream.number) or not heard.isdecimal():
            return
        spoke, stream.heard = stream.speaking, int(heard)
        if spoke and not stream.speaking:
            self._on_event(Played(stream.prompt))
        await self._fill()

    async def _fill(self) -> None:
        """Send what may be on its way. Every await may let a flush or another filling in: the state is read again."""
        stream = self._stream
        while stream is not None and stream is self._stream and not self._paused and (part := stream.next()):
            mark = codec.Mark(f"{stream.number}:{stream.sent}")
            await self._write(self._socket.send_bytes(self._codec.send_audio(part)))
            if stream is self._stream:
                await self._command(mark)

    async def _command(self, command: codec.Command) -> None:
        await self._write(self._socket.send_str(self._codec.send(command)))

    async def _write(self, sending: Awaitable[None]) -> None:
        try:
            await sending
        except ConnectionError as error:  # aiohttp's ClientConnectionResetError is one
            raise MediaClosed from error
