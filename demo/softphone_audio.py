"""The audio of one softphone call: pyVoIP's RTP client with a steady clock, 16-bit samples and keys (RFC 4733).

pyVoIP 1.6.8 polls its socket, lets its sending clock drift, squeezes every sample through 8 bits and cannot press
a key. What is kept of it: codec choice and the parsing of packets.
"""

import audioop
import socket
import struct
import threading
import time
from collections import deque
from typing import Any

import numpy as np
from pyVoIP.RTP import PayloadType, RTPClient, RTPMessage, RTPParseError

from demo.hearing import AUDIBLE_RMS, RATE, Packet, level

FRAME_SAMPLES = 160  # 20 ms
_SILENCE = bytes(2 * FRAME_SAMPLES)

_KEYS = "0123456789*#ABCD"
_KEY_FRAMES = 5  # 100 ms pressed
_KEY_END_FRAMES = 3  # the end is told three times, for packets get lost
_KEY_GAP_FRAMES = 4  # 80 ms between keys
_KEY_VOLUME = 10  # -10 dBm0

_LONGEST_GAP = 5 * RATE  # samples: a longer jump of the timestamps is a new stream, not a gap

_SO_TIMESTAMPNS = 35  # Linux: the kernel says when a packet came, however late this process reads it
_TIMESPEC = struct.Struct("@qq")

_ENCODERS = {PayloadType.PCMA: audioop.lin2alaw, PayloadType.PCMU: audioop.lin2ulaw}
_DECODERS = {PayloadType.PCMA: audioop.alaw2lin, PayloadType.PCMU: audioop.ulaw2lin}


class AudioClient(RTPClient):
    """Sends what is played and pressed, 20 ms at a time, silence in between; keeps what is heard."""

    def __init__(self, assoc: dict[int, PayloadType], *args: Any, **kwargs: Any) -> None:
        super().__init__(assoc, *args, **kwargs)
        self._event_payload = next((number for number, kind in assoc.items() if kind is PayloadType.EVENT), None)
        self._to_play: deque[bytes] = deque()
        self._to_press: deque[bytes | None] = deque()
        self._heard: list[bytes] = []
        self._packets: list[Packet] = []
        self._spoke_at: float | None = None
        self._next_timestamp: int | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        self.sin = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sin.bind((self.inIP, self.inPort))
        self.sin.settimeout(0.2)
        self.sin.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.sout = self.sin
        for work in (self.recv, self.trans):
            threading.Thread(target=work, name=f"rtp-{work.__name__}-{self.inPort}", daemon=True).start()

    def stop(self) -> None:
        self.NSD = False
        if hasattr(self, "sin"):  # not when the call ended before it was answered
            self.sin.close()

    def play(self, samples: np.ndarray) -> None:
        """Append signed 16-bit samples, 8 kHz, to what is sent."""
        data = samples.astype("<i2").tobytes()
        frames = (data[i : i + len(_SILENCE)] for i in range(0, len(data), len(_SILENCE)))
        with self._lock:
            self._spoke_at = None
            self._to_play.extend(frame.ljust(len(_SILENCE), b"\0") for frame in frames)

    def press(self, keys: str) -> None:
        """Append keys; a key is sent before any audio."""
        if self._event_payload is None:
            raise ValueError("the other side takes no keys (telephone-event)")
        with self._lock:
            for key in keys:
                code = _KEYS.index(key)
                for frame in range(1, _KEY_FRAMES + _KEY_END_FRAMES + 1):
                    ended = 0x80 if frame > _KEY_FRAMES else 0
                    duration = min(frame, _KEY_FRAMES + 1) * FRAME_SAMPLES
                    self._to_press.append(struct.pack("!BBH", code, ended | _KEY_VOLUME, duration))
                self._to_press.extend([None] * _KEY_GAP_FRAMES)

    def idle(self) -> bool:
        """Whether everything played and pressed has been sent."""
        with self._lock:
            return not self._to_play and not self._to_press

    def heard(self) -> np.ndarray:
        """All that was received so far, as signed 16-bit samples, 8 kHz; lost packets are silence."""
        with self._lock:
            return np.frombuffer(b"".join(self._heard), "<i2")

    def packets(self) -> tuple[Packet, ...]:
        """Every packet of audio that came so far."""
        with self._lock:
            return tuple(self._packets)

    def spoke_at(self) -> float | None:
        """When the first audible frame of what was played last went out, in seconds of UNIX time; None before."""
        with self._lock:
            return self._spoke_at

    def trans(self) -> None:
        started, sent = time.monotonic(), 0
        event_timestamp, in_event = 0, False
        while self.NSD:
            with self._lock:
                event = self._to_press.popleft() if self._to_press else None
                pressing = event is not None
                frame = self._to_play.popleft() if self._to_play and not pressing else _SILENCE
            if event is not None:
                # All packets of one key carry the time of its beginning; the first is marked.
                if not in_event:
                    event_timestamp = self.outTimestamp
                self._send(self._event_payload, event_timestamp, event, marked=not in_event)
            else:
                if frame is not _SILENCE and self._spoke_at is None and level(frame) > AUDIBLE_RMS:
                    self._spoke_at = time.time()
                payload = _ENCODERS[self.preference](frame, 2)
                self._send(int(self.preference), self.outTimestamp, payload, marked=False)
            in_event = pressing
            self.outTimestamp = (self.outTimestamp + FRAME_SAMPLES) % 2**32
            sent += 1
            time.sleep(max(0.0, started + sent * FRAME_SAMPLES / RATE - time.monotonic()))

    def _send(self, payload_type: int | None, timestamp: int, payload: bytes, *, marked: bool) -> None:
        assert payload_type is not None
        header = struct.pack("!BBHII", 0x80, payload_type | (0x80 if marked else 0), self.outSequence, timestamp,
                             self.outSSRC)  # fmt: skip
        self.outSequence = (self.outSequence + 1) % 2**16
        try:
            self.sout.sendto(header + payload, (self.outIP, self.outPort))
        except OSError:
            if self.NSD:  # closed under us is how a call ends
                raise

    def recv(self) -> None:
        while self.NSD:
            try:
                packet, about, _, _ = self.sin.recvmsg(2048, socket.CMSG_SPACE(_TIMESPEC.size))
                self._take(packet, _arrival(about))
            except (TimeoutError, RTPParseError):
                continue
            except OSError:
                return

    def _take(self, packet: bytes, arrived_at: float) -> None:
        message = RTPMessage(packet, self.assoc)
        decode = _DECODERS.get(message.payload_type)
        if decode is None:
            return
        with self._lock:
            gap = 0 if self._next_timestamp is None else (message.timestamp - self._next_timestamp) % 2**32
            if 0 < gap < _LONGEST_GAP:
                self._heard.append(bytes(2 * gap))
            pcm = decode(message.payload, 2)
            self._heard.append(pcm)
            self._packets.append(Packet(arrived_at, pcm))
            self._next_timestamp = (message.timestamp + len(message.payload)) % 2**32


def _arrival(about: list[tuple[int, int, bytes]]) -> float:
    """The kernel's time stamp of a packet, in seconds of UNIX time."""
    for _, kind, data in about:
        if kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data[: _TIMESPEC.size])
            return float(seconds + nanoseconds / 1e9)
    return time.time()
