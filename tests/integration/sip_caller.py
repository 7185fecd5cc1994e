"""A telephone for tests: one SIP call over UDP, 20 ms of G.711 each way, RFC 4733 digits, everything heard is kept.

Only what a test needs of RFC 3261: INVITE, ACK, BYE, no authentication.
"""

import asyncio
import random
import re
import struct
import time
import uuid
from collections import deque
from types import TracebackType
from typing import cast

import numpy as np

FRAME_SAMPLES = 160
SILENCE = b"\xff" * FRAME_SAMPLES
EVENT_PAYLOAD_TYPE = 101


def _ulaw_table() -> np.ndarray:
    """What each of G.711's 256 mu-law codes stands for (ITU-T G.711, table 2a), as 16-bit samples."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


DECODED = _ulaw_table()
_ORDER = np.argsort(DECODED, kind="stable")
_BOUNDS = (DECODED[_ORDER][1:].astype(np.int32) + DECODED[_ORDER][:-1]) // 2


def to_ulaw(pcm: bytes) -> bytes:
    """Signed 16-bit to mu-law: the nearest code."""
    return _ORDER[np.searchsorted(_BOUNDS, np.frombuffer(pcm, "<i2"))].astype(np.uint8).tobytes()


def from_ulaw(codes: bytes) -> bytes:
    return DECODED[np.frombuffer(codes, np.uint8)].astype("<i2").tobytes()


def rms(pcm: bytes) -> float:
    """0 to 32768."""
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(np.float64) ** 2))) if pcm else 0.0


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.inbox: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: asyncio's own selector transport is no DatagramTransport in 3.11.
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.inbox.put_nowait((data, time.monotonic()))

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        assert self.transport is not None
        self.transport.sendto(data, to)

    @property
    def port(self) -> int:
        assert self.transport is not None
        return int(self.transport.get_extra_info("sockname")[1])


class SipCaller:
    """``async with SipCaller(sip_port, "4008123123") as caller`` is a call that is up."""

    def __init__(self, sip_port: int, number: str) -> None:
        self._server = ("127.0.0.1", sip_port)
        self._number = number
        self._call_id = uuid.uuid4().hex
        self._to_tag = ""
        self._outbox: deque[bytes] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self.heard: list[tuple[float, bytes]] = []
        """(monotonic arrival, 20 ms of signed 16-bit PCM) of every packet."""
        self.hung_up = asyncio.Event()

    async def __aenter__(self) -> "SipCaller":
        loop = asyncio.get_running_loop()
        _, self._sip = await loop.create_datagram_endpoint(_Datagrams, local_addr=("127.0.0.1", 0))
        _, self._rtp = await loop.create_datagram_endpoint(_Datagrams, local_addr=("127.0.0.1", 0))
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self._rtp.port} RTP/AVP 0 {EVENT_PAYLOAD_TYPE}\r\na=rtpmap:0 PCMU/8000\r\n"
            f"a=rtpmap:{EVENT_PAYLOAD_TYPE} telephone-event/8000\r\na=fmtp:{EVENT_PAYLOAD_TYPE} 0-16\r\na=ptime:20\r\n"
        )
        self._sip.send(self._request("INVITE", 1, sdp), self._server)
        answer = await asyncio.wait_for(self._final_answer(), 10)
        self._remote_rtp = ("127.0.0.1", int(re.search(r"m=audio (\d+)", answer)[1]))  # type: ignore[index]
        self._sip.send(self._request("ACK", 1), self._server)
        self._tasks = [asyncio.create_task(work()) for work in (self._signalling, self._listen, self._talk)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if not self.hung_up.is_set():
            self._sip.send(self._request("BYE", 2), self._server)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in (self._sip, self._rtp):
            assert end.transport is not None
            end.transport.close()

    def say(self, pcm: bytes) -> None:
        """Speak 8 kHz signed 16-bit PCM, after what is being said already."""
        law = to_ulaw(pcm)
        self._outbox.extend(
            law[at : at + FRAME_SAMPLES].ljust(FRAME_SAMPLES, b"\xff") for at in range(0, len(law), FRAME_SAMPLES)
        )

    def press(self, digits: str) -> None:
        """Each key 100 ms long, 60 ms apart (RFC 4733)."""
        for digit in digits:
            code = "0123456789*#".index(digit)
            for step in range(1, 9):
                end = 0x80 if step > 5 else 0  # the end is sent three times
                duration = min(step, 6) * FRAME_SAMPLES
                self._outbox.append(b"E" + struct.pack("!BBH", code, end | 10, duration) + bytes([step == 1]))
            self._outbox.extend([SILENCE] * 3)

    def level(self, since: float, until: float | None = None) -> float:
        """RMS of what was heard between two monotonic times, 0 to 1."""
        pcm = b"".join(frame for at, frame in self.heard if at >= since and (until is None or at < until))
        return rms(pcm) / 32768

    def last_sound(self, since: float, threshold: int = 100) -> float | None:
        """When the last packet with sound arrived."""
        loud = [at for at, frame in self.heard if at >= since and rms(frame) > threshold]
        return loud[-1] if loud else None

    def first_sound(self, since: float, threshold: int = 100) -> float | None:
        return next((at for at, frame in self.heard if at >= since and rms(frame) > threshold), None)

    async def hears_sound(self, since: float, timeout_s: float = 10) -> float:
        """Wait for the first sound after ``since``; returns when it came."""
        async with asyncio.timeout(timeout_s):
            while (at := self.first_sound(since)) is None:
                await asyncio.sleep(0.01)
        return at

    async def hears_silence(self, for_s: float, timeout_s: float = 30) -> None:
        """Wait until nothing was heard for ``for_s``."""
        started = time.monotonic()
        async with asyncio.timeout(timeout_s):
            while time.monotonic() - max(started, self.last_sound(started) or 0.0) < for_s:
                await asyncio.sleep(0.02)

    def _request(self, method: str, seq: int, body: str = "") -> bytes:
        to_tag = f";tag={self._to_tag}" if self._to_tag else ""
        return (
            f"{method} sip:{self._number}@127.0.0.1:{self._server[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._sip.port};branch=z9hG4bK{uuid.uuid4().hex};rport\r\n"
            f"From: <sip:13800138000@127.0.0.1>;tag=caller\r\nTo: <sip:{self._number}@127.0.0.1>{to_tag}\r\n"
            f"Call-ID: {self._call_id}\r\nCSeq: {seq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:caller@127.0.0.1:{self._sip.port}>\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    async def _final_answer(self) -> str:
        while True:
            data, _ = await self._sip.inbox.get()
            text = data.decode()
            status = int(text.split(maxsplit=2)[1])
            if status >= 300:
                raise ConnectionError(text.splitlines()[0])
            if status >= 200:
                self._to_tag = re.search(r"^To:.*;tag=([^;\r\n]+)", text, re.M | re.I)[1]  # type: ignore[index]
                return text

    async def _signalling(self) -> None:
        while True:
            data, _ = await self._sip.inbox.get()
            text = data.decode()
            if text.startswith("SIP/2.0"):
                if "CSeq: 1 INVITE" in text:  # our ACK was lost
                    self._sip.send(self._request("ACK", 1), self._server)
                continue
            kept = [line for line in text.splitlines() if re.match(r"(Via|From|To|Call-ID|CSeq):", line, re.I)]
            self._sip.send(
                ("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0"]) + "\r\n\r\n").encode(), self._server
            )
            if text.startswith("BYE"):
                self.hung_up.set()

    async def _listen(self) -> None:
        while True:
            packet, at = await self._rtp.inbox.get()
            if len(packet) > 12 and packet[1] & 0x7F == 0:
                self.heard.append((at, from_ulaw(packet[12:])))

    async def _talk(self) -> None:
        sequence, stamp, event_stamp, ssrc = random.randrange(1000), 0, 0, random.getrandbits(32)
        started = time.monotonic()
        for tick in range(1 << 30):
            frame = self._outbox.popleft() if self._outbox else SILENCE
            kind, payload, when, marker = 0, frame, stamp, 0
            if len(frame) == 6 and frame[:1] == b"E":
                event_stamp = stamp if frame[5] else event_stamp
                kind, payload, when, marker = EVENT_PAYLOAD_TYPE, frame[1:5], event_stamp, 0x80 * frame[5]
            header = struct.pack("!BBHII", 0x80, marker | kind, sequence & 0xFFFF, when, ssrc)
            self._rtp.send(header + payload, self._remote_rtp)
            sequence, stamp = sequence + 1, stamp + FRAME_SAMPLES
            await asyncio.sleep(max(0.0, started + (tick + 1) * 0.02 - time.monotonic()))
