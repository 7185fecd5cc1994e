"""A scriptable softphone for the demonstration and the tests: calls, answers, plays, presses keys, listens.

An agent's phone registers with a password; the carrier's side of a call has none and is known by its address. The
server never uses it; people use real softphones.

    with Softphone(("127.0.0.1", 5060), "13800138000", bind="127.0.0.2") as carrier:
        call = carrier.call("4008123123")
        call.wait_answered(5)
        call.press("1")
        call.play(Path("hello.wav"))
        call.wait_ended(60)
"""

import socket
import threading
import time
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyVoIP.VoIP  # noqa: F401 -- before pyVoIP.SIP, which alone runs into a circle
import soxr
from pyVoIP import RTP, SIP
from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone

from demo.hearing import RATE, Packet
from demo.softphone_audio import AudioClient
from demo.softphone_signalling import Signalling

_OFFER = {8: RTP.PayloadType.PCMA, 0: RTP.PayloadType.PCMU, 101: RTP.PayloadType.EVENT}
_BOTH_WAYS = RTP.TransmitType.SENDRECV


class SoftphoneError(Exception):
    """The phone could not register, or what was waited for did not happen."""


class PhoneCall(VoIPCall):
    """One call of a softphone, in either direction. Times are UTC, None until it happened."""

    sip: Signalling
    RTPClients: list[AudioClient]  # type: ignore[assignment]  # we alone fill it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rang_at: datetime | None = None
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.status: int | None = None
        """The final SIP status of our own INVITE."""
        self._changed = threading.Condition()

    @property
    def remote(self) -> str:
        """The other side's number, as this phone would show it."""
        ours = self.state is CallState.DIALING or self.request.headers["From"]["number"] == self.phone.username
        return str(self.request.headers["To" if ours else "From"]["number"] or "")

    def wait_ringing(self, timeout_s: float) -> None:
        self._wait(lambda: self.rang_at, "ring", timeout_s)

    def wait_answered(self, timeout_s: float) -> None:
        """Return once both sides talk; SoftphoneError when the call ended before, or ``timeout_s`` passed."""
        self._wait(lambda: self.answered_at or self.ended_at, "be answered", timeout_s)
        if self.answered_at is None:
            raise SoftphoneError(f"the call was refused ({self.status})")

    def wait_ended(self, timeout_s: float) -> None:
        self._wait(lambda: self.ended_at, "end", timeout_s)

    def wait_idle(self, timeout_s: float) -> None:
        """Return once everything played and pressed was sent."""
        deadline = time.monotonic() + timeout_s
        while not self.idle():
            if time.monotonic() > deadline:
                raise SoftphoneError(f"not all was sent within {timeout_s} s")
            time.sleep(0.02)

    def play(self, audio: Path | np.ndarray) -> None:
        """Say a WAV file (any rate) or signed 16-bit samples at 8 kHz, after what is being said already."""
        samples = read_wav(audio) if isinstance(audio, Path) else audio
        for client in self.RTPClients:
            client.play(samples)

    def press(self, keys: str) -> None:
        """Press keys, 0-9 * # A-D, 100 ms each (RFC 4733)."""
        for client in self.RTPClients:
            client.press(keys)

    def heard(self) -> np.ndarray:
        """What came from the other side so far: signed 16-bit samples, 8 kHz."""
        return self.RTPClients[0].heard() if self.RTPClients else np.zeros(0, "<i2")

    def packets(self) -> tuple[Packet, ...]:
        """Every packet of audio from the other side so far, with the time at which it arrived."""
        return self.RTPClients[0].packets() if self.RTPClients else ()

    def spoke_at(self) -> float | None:
        """When the first audible frame of what was played last went out, in seconds of UNIX time; None before."""
        return self.RTPClients[0].spoke_at() if self.RTPClients else None

    def idle(self) -> bool:
        """Whether everything played and pressed was sent."""
        return all(client.idle() for client in self.RTPClients)

    def save_heard(self, path: Path) -> None:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(self.heard().tobytes())

    def answer(self) -> None:
        if self.state is CallState.RINGING:
            super().answer()
            self._note("answered_at")

    def hang_up(self) -> None:
        """End the call in any state: BYE, CANCEL or 486."""
        if self.state is CallState.ANSWERED:
            self.sip.transmit(self.sip.gen_bye(self.request))
            self._end()
        elif self.state is CallState.DIALING:
            self.sip.transmit(self.sip.gen_cancel(self.request))
        elif self.state is CallState.RINGING:
            self.refuse()

    def refuse(self, reason: str = "486 Busy Here") -> None:
        """Answer a ringing call with a refusal."""
        if self.state is CallState.RINGING:
            _, rest = self.sip.gen_busy(self.request).split("\r\n", 1)
            self.sip.transmit(f"SIP/2.0 {reason}\r\n{rest}")
            self._end()

    # What the phone tells of incoming messages.

    def ringing(self) -> None:
        self._note("rang_at")

    def cancelled(self) -> None:
        self.refuse("487 Request Terminated")

    def bye(self) -> None:
        self._end()

    def invite_answered(self, answer: SIP.SIPMessage) -> None:
        status = int(answer.status)
        if status == 180:
            self._note("rang_at")
        elif status == 200:
            self.sip.transmit(self.sip.gen_ack(answer))
            if self.state is CallState.DIALING:
                self.answered(answer)
                self._note("answered_at")
        elif status >= 300:
            self.sip.transmit(self.sip.gen_ack(answer))
            self.status = status
            self._end()
        if status >= 200:
            self.status = status

    def create_rtp_clients(
        self, codecs: dict[int, RTP.PayloadType], ip: str, port: int, request: SIP.SIPMessage, baseport: int
    ) -> None:
        address = request.body["c"][0]["address"]
        self.RTPClients.append(AudioClient(codecs, ip, port, address, baseport, self.sendmode))

    def _end(self) -> None:
        for client in self.RTPClients:
            client.stop()
        self.state = CallState.ENDED
        self._note("ended_at")

    def _note(self, what: str) -> None:
        with self._changed:
            if getattr(self, what) is None:
                setattr(self, what, datetime.now(UTC))
            self._changed.notify_all()

    def _wait(self, happened: Any, what: str, timeout_s: float) -> None:
        with self._changed:
            if not self._changed.wait_for(happened, timeout_s):
                raise SoftphoneError(f"the call did not {what} within {timeout_s} s")


class Softphone(VoIPPhone):
    """One phone. With a ``password`` it registers; without one it only calls, as ``user``.

    Calls to it ring; they are answered after ``answer_after_s`` (None: never), or refused at once with ``busy``.
    """

    sip: Signalling
    calls: dict[str, PhoneCall]  # type: ignore[assignment]  # we alone fill it

    def __init__(
        self,
        server: tuple[str, int],
        user: str,
        password: str | None = None,
        *,
        bind: str = "127.0.0.1",
        answer_after_s: float | None = 0.5,
        busy: bool = False,
        register_within_s: float = 3.0,
    ) -> None:
        super().__init__(*server, user, password or "", myIP=bind)
        self.sip = Signalling(self, server, user, password or "", bind, register_within_s)
        self.answer_after_s = answer_after_s
        self.busy = busy
        self.history: list[PhoneCall] = []
        """Every call so far, oldest first."""
        self._registers = password is not None
        self._rang = threading.Condition()

    def start(self) -> None:
        """Listen, and register; SoftphoneError when that is refused or not answered."""
        self.sip.start()
        if self._registers and not self.sip.register():
            self.sip.stop()
            raise SoftphoneError(f"{self.username} could not register with {self.server}:{self.port}")

    def stop(self, failed: bool = False) -> None:
        """Hang up, unregister, close. Does not hang."""
        for call in tuple(self.calls.values()):
            call.hang_up()
        self.sip.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def call(self, number: str) -> PhoneCall:
        """Dial; returns at once."""
        medias: dict[int, Any] = {self.request_port(): dict(_OFFER)}
        call_id, session = self.sip.gen_call_id(), self.sip.sessID.next()
        text = self.sip.gen_invite(number, str(session), medias, _BOTH_WAYS, self.sip.gen_branch(), call_id)
        call = PhoneCall(
            self, CallState.DIALING, SIP.SIPMessage(text.encode()), session, self.myIP, medias, self.sendmode
        )
        self._keep(call)
        self.sip.transmit(text)
        return call

    def wait_call(self, timeout_s: float, *, nth: int = 1) -> PhoneCall:
        """The ``nth`` call of this phone's life, once it is there."""
        with self._rang:
            if not self._rang.wait_for(lambda: len(self.history) >= nth, timeout_s):
                raise SoftphoneError(f"no call came within {timeout_s} s")
            return self.history[nth - 1]

    def callback(self, request: SIP.SIPMessage) -> None:
        call = self.calls.get(request.headers["Call-ID"])
        if request.type == SIP.SIPMessageType.RESPONSE:
            if call is not None:
                call.invite_answered(request)
        elif request.method == "INVITE":
            if call is None:
                self._ring(request)
        elif call is not None and request.method == "BYE":
            call.bye()
        elif call is not None and request.method == "CANCEL":
            call.cancelled()

    def _ring(self, request: SIP.SIPMessage) -> None:
        ringing = self.sip.gen_ringing(request)  # also gives the call its tag
        call = PhoneCall(self, CallState.RINGING, request, self.sip.sessID.next(), self.myIP, sendmode=self.recvmode)
        self._keep(call)
        if self.busy:
            call.refuse()
            return
        self.sip.transmit(ringing)
        call.ringing()
        if self.answer_after_s is not None:
            timer = threading.Timer(self.answer_after_s, call.answer)
            timer.daemon = True
            timer.start()

    def _keep(self, call: PhoneCall) -> None:
        with self._rang:
            self.calls[call.call_id] = call
            self.history.append(call)
            self._rang.notify_all()

    def request_port(self, blocking: bool = True) -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((self.myIP, 0))
            return int(probe.getsockname()[1])

    def release_ports(self, call: VoIPCall | None = None) -> None:
        """Nothing to do: `request_port` keeps no list."""


def read_wav(path: Path) -> np.ndarray:
    """A 16-bit WAV file as one channel at 8 kHz."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise SoftphoneError(f"{path}: only 16-bit WAV can be played")
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        mono = frames.mean(axis=1).astype(np.int16)
        return mono if file.getframerate() == RATE else np.asarray(soxr.resample(mono, file.getframerate(), RATE))
