"""Asterisk's WebSocket media protocol (chan_websocket, JSON control messages), without any I/O.

What came off the socket goes in, frozen events come out; commands go in, text for the socket comes out.
A message that the protocol does not allow raises `ProtocolError` and leaves the codec as it was.

https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket/ ; tried against Asterisk 22.10.1, where
a text message above 128 bytes is dropped with only a warning in Asterisk's log.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

MAX_COMMAND_BYTES = 127
MAX_AUDIO_BYTES = 65500
"""Asterisk closes the socket, and the call with it, on a larger message."""


class ProtocolError(ValueError):
    """The peer sent, or the caller of the codec wants to send, what the protocol does not allow."""


@dataclass(frozen=True, slots=True)
class MediaStarted:
    """The first message of every connection. ``frame_bytes`` of ``format`` are ``frame_ms`` of audio."""

    channel: str
    channel_id: str
    format: str
    frame_bytes: int
    frame_ms: int


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """What the caller said, in the negotiated format."""

    data: bytes


@dataclass(frozen=True, slots=True)
class DigitPressed:
    digit: str


@dataclass(frozen=True, slots=True)
class SendingPaused:
    """Asterisk's queue is nearly full: audio sent from now on may be dropped."""


@dataclass(frozen=True, slots=True)
class SendingResumed:
    """There is room again."""


@dataclass(frozen=True, slots=True)
class MarkReached:
    """Everything sent before this mark was played. A flush takes its marks along: they are never reached."""

    mark: str


@dataclass(frozen=True, slots=True)
class BufferingCompleted:
    """The audio between a start and stop of buffering was played."""

    mark: str


@dataclass(frozen=True, slots=True)
class QueueDrained:
    """Nothing is left to play."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The answer to `Ask.STATUS`. ``queued`` counts frames that wait to be played."""

    queued: int
    full: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """Asterisk did not accept a command."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """An event that a newer Asterisk may know: to be ignored."""

    name: str


Event = (
    MediaStarted
    | CallerAudio
    | DigitPressed
    | SendingPaused
    | SendingResumed
    | MarkReached
    | BufferingCompleted
    | QueueDrained
    | QueueStatus
    | CommandRefused
    | Unrecognised
)


class Ask(Enum):
    """Commands without an argument, by their name on the wire."""

    HANG_UP = "HANGUP"
    FLUSH = "FLUSH_MEDIA"
    PAUSE = "PAUSE_MEDIA"
    CONTINUE = "CONTINUE_MEDIA"
    START_BUFFERING = "START_MEDIA_BUFFERING"
    STATUS = "GET_STATUS"
    REPORT_DRAINED = "REPORT_QUEUE_DRAINED"


@dataclass(frozen=True, slots=True)
class Mark:
    """Ask for `MarkReached` when everything sent so far was played."""

    mark: str


@dataclass(frozen=True, slots=True)
class StopBuffering:
    """End what `Ask.START_BUFFERING` began; answered by `BufferingCompleted`."""

    mark: str


@dataclass(frozen=True, slots=True)
class SetDirection:
    """Which way audio flows, seen from us: ``out`` stops the caller's frames, ``in`` forbids us to play.

    Digits arrive in either direction.
    """

    direction: Literal["in", "out", "both"]


Command = Ask | Mark | StopBuffering | SetDirection


class State(Enum):
    AWAITING_START = auto()
    FLOWING = auto()
    HUNG_UP = auto()


class Codec:
    """One connection's protocol state.

    >>> codec = Codec()
    >>> codec.receive_audio(b"..")
    Traceback (most recent call last):
    ivr.media.codec.ProtocolError: audio before MEDIA_START
    """

    def __init__(self) -> None:
        self.state = State.AWAITING_START

    def receive_text(self, text: str) -> Event:
        """One text message from Asterisk."""
        message = _parse(text)
        name = _text(message, "event")
        if self.state is State.AWAITING_START and name != "MEDIA_START":
            raise ProtocolError("an event before MEDIA_START")
        if self.state is not State.AWAITING_START and name == "MEDIA_START":
            raise ProtocolError("a second MEDIA_START")
        read = _EVENTS.get(name)
        event = read(message) if read else Unrecognised(name[:40])
        if isinstance(event, MediaStarted):
            self.state = State.FLOWING
        return event

    def receive_audio(self, data: bytes) -> CallerAudio:
        """One binary message from Asterisk."""
        if self.state is State.AWAITING_START:
            raise ProtocolError("audio before MEDIA_START")
        return CallerAudio(data)

    def send(self, command: Command) -> str:
        """The text message that carries ``command``."""
        self._check_sendable()
        fields = _fields(command)
        text = json.dumps(fields, separators=(",", ":"))
        if len(text) > MAX_COMMAND_BYTES:  # json.dumps writes ASCII: characters are bytes
            raise ProtocolError(f"a command of {len(text)} bytes; Asterisk takes {MAX_COMMAND_BYTES}")
        if command is Ask.HANG_UP:
            self.state = State.HUNG_UP
        return text

    def send_audio(self, data: bytes) -> bytes:
        """The binary message that carries audio: whole frames, so that nothing is left over."""
        self._check_sendable()
        if len(data) > MAX_AUDIO_BYTES:
            raise ProtocolError(f"{len(data)} bytes of audio in one message; Asterisk takes {MAX_AUDIO_BYTES}")
        return data

    def _check_sendable(self) -> None:
        if self.state is not State.FLOWING:
            raise ProtocolError(f"nothing can be sent while {self.state.name}")


def _fields(command: Command) -> dict[str, str]:
    match command:
        case Ask():
            return {"command": command.value}
        case Mark(mark):
            return {"command": "MARK_MEDIA", "correlation_id": mark}
        case StopBuffering(mark):
            return {"command": "STOP_MEDIA_BUFFERING", "correlation_id": mark}
        case SetDirection(direction):
            return {"command": "SET_MEDIA_DIRECTION", "direction": direction}


def _parse(text: str) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a text message that is not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("a text message that is not a JSON object")
    return message


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"`{name}` is not text")
    return value


def _count(message: Mapping[str, Any], name: str) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ProtocolError(f"`{name}` is not a count")
    return value


def _started(message: Mapping[str, Any]) -> MediaStarted:
    started = MediaStarted(
        _text(message, "channel"),
        _text(message, "channel_id"),
        _text(message, "format"),
        _count(message, "optimal_frame_size"),
        _count(message, "ptime"),
    )
    if not started.frame_bytes or not started.frame_ms:
        raise ProtocolError("frames without a size")
    return started


def _digit(message: Mapping[str, Any]) -> DigitPressed:
    digit = _text(message, "digit")
    if len(digit) != 1 or digit not in "0123456789*#ABCD":
        raise ProtocolError("a key that no telephone has")
    return DigitPressed(digit)


def _status(message: Mapping[str, Any]) -> QueueStatus:
    return QueueStatus(
        _count(message, "queue_length"), message.get("queue_full") is True, message.get("media_paused") is True
    )


_EVENTS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "MEDIA_START": _started,
    "DTMF_END": _digit,
    "MEDIA_XOFF": lambda _: SendingPaused(),
    "MEDIA_XON": lambda _: SendingResumed(),
    "MEDIA_MARK_PROCESSED": lambda m: MarkReached(_text(m, "correlation_id")),
    "MEDIA_BUFFERING_COMPLETED": lambda m: BufferingCompleted(_text(m, "correlation_id")),
    "QUEUE_DRAINED": lambda _: QueueDrained(),
    "STATUS": _status,
    "ERROR": lambda m: CommandRefused(_text(m, "error_text").strip()),
}
