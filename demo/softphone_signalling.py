"""The SIP of a softphone: pyVoIP's client, mended by subclassing.

pyVoIP 1.6.8 waits inside the socket's lock for the datagram that it expects and takes any other one for it: `stop`
can hang, a time-out can pass for a registration, an INVITE can be eaten by a REGISTER. Here one thread reads, and
every message is handled when it comes. ACK and BYE are written as RFC 3261 wants them (pyVoIP's ACK names a tag of
its own, so that Asterisk gives the call up after 32 s), and CANCEL is new. What is kept: the parsing of messages,
the writing of most of them, SDP, digest.
"""

import socket
import threading
import uuid
from typing import Any

import pyVoIP.VoIP  # before pyVoIP.SIP, which alone runs into a circle
from pyVoIP import SIP

DEREGISTER_TIMEOUT_S = 1.0
EXPIRES_S = 120


class Signalling(SIP.SIPClient):
    """SIP over UDP with one server. Requests to us and answers to our INVITE go to ``phone.callback``."""

    def __init__(
        self,
        phone: pyVoIP.VoIP.VoIPPhone,
        server: tuple[str, int],
        user: str,
        password: str,
        bind: str,
        register_within_s: float,
    ) -> None:
        super().__init__(*server, user, password, phone=phone, myIP=bind, myPort=0, callCallback=phone.callback)
        self.default_expires = EXPIRES_S
        self._register_within_s = register_within_s
        self._answered = threading.Event()
        self._accepted = False
        self._challenged = False
        self._leaving = False
        self._renewal: threading.Timer | None = None

    def start(self) -> None:
        """Take a free port and listen."""
        self.s = self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((self.myIP, self.myPort))
        self.s.settimeout(0.2)
        self.myPort = self.s.getsockname()[1]
        self.NSD = True
        threading.Thread(target=self.recv_loop, name=f"sip-{self.myPort}", daemon=True).start()

    def stop(self) -> None:
        """Unregister, if registered, and close; takes no longer than `DEREGISTER_TIMEOUT_S`."""
        if self._renewal is not None:
            self._renewal.cancel()
        if self._accepted:
            self._leaving = True
            self._ask(DEREGISTER_TIMEOUT_S)
        self.NSD = False
        self.s.close()

    def register(self) -> bool:
        """Register, and renew it in time. False when it was refused or not answered."""
        registered = self._ask(self._register_within_s)
        if self.NSD and not self._leaving:
            self._renewal = threading.Timer(EXPIRES_S / 2, self.register)
            self._renewal.daemon = True
            self._renewal.start()
        return registered

    def _ask(self, timeout_s: float) -> bool:
        self._accepted = self._challenged = False
        self._answered.clear()
        self.transmit(self.gen_first_response(deregister=self._leaving))
        self._answered.wait(timeout_s)
        return self._accepted

    def _register_answered(self, answer: SIP.SIPMessage) -> None:
        status = int(answer.status)
        if status == 401 and not self._challenged:
            self._challenged = True
            self.transmit(self.gen_register(answer, deregister=self._leaving))
        elif status >= 200:
            self._accepted = status == 200
            self._answered.set()

    def transmit(self, message: str) -> None:
        try:
            self.out.sendto(message.encode(), (self.server, self.port))
        except OSError:
            if self.NSD:  # closed under the reading thread is how a phone ends
                raise

    def recv_loop(self) -> None:
        while self.NSD:
            try:
                data = self.s.recv(8192)
            except TimeoutError:
                continue
            except OSError:  # closed
                return
            try:
                message = SIP.SIPMessage(data)
            except Exception:  # noqa: S112 -- pyVoIP's parser raises anything for what it does not know
                continue
            self.parse_message(message)

    def parse_message(self, message: SIP.SIPMessage) -> None:
        method = message.headers["CSeq"]["method"]
        if message.type == SIP.SIPMessageType.MESSAGE:
            if method in ("BYE", "CANCEL"):
                self.transmit(self.gen_ok(message))
            self.phone.callback(message)
        elif method == "REGISTER":
            self._register_answered(message)
        elif method == "INVITE":
            self.phone.callback(message)

    def gen_call_id(self) -> str:
        return f"{uuid.uuid4()}@{self.myIP}"

    def gen_ack(self, request: SIP.SIPMessage) -> str:
        """The ACK of an answer to our INVITE: a request of its own after 200, part of the INVITE after a refusal."""
        headers = request.headers
        accepted = int(request.status) == 200
        target = headers["Contact"].strip("<>") if accepted else f"sip:{headers['To']['address']}"
        branch = self.gen_branch() if accepted else headers["Via"][0]["branch"]
        return self._in_dialog("ACK", target, branch, headers)

    def gen_cancel(self, invite: SIP.SIPMessage) -> str:
        headers = invite.headers
        return self._in_dialog("CANCEL", f"sip:{headers['To']['address']}", headers["Via"][0]["branch"], headers)

    def gen_bye(self, request: SIP.SIPMessage) -> str:
        # pyVoIP repeats the Via of the INVITE, which for a call to us is Asterisk's.
        lines = super().gen_bye(request).split("\r\n")
        own = f"Via: SIP/2.0/UDP {self.myIP}:{self.myPort};branch={self.gen_branch()};rport"
        kept = [line for line in lines[1:] if not line.startswith("Via:")]
        return "\r\n".join([lines[0], own, *kept])

    def _in_dialog(self, method: str, target: str, branch: str, headers: dict[str, Any]) -> str:
        to_tag = f";tag={headers['To']['tag']}" if headers["To"]["tag"] else ""
        return (
            f"{method} {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.myIP}:{self.myPort};branch={branch}\r\n"
            "Max-Forwards: 70\r\n"
            f"To: {headers['To']['raw']}{to_tag}\r\n"
            f"From: {headers['From']['raw']};tag={headers['From']['tag']}\r\n"
            f"Call-ID: {headers['Call-ID']}\r\n"
            f"CSeq: {headers['CSeq']['check']} {method}\r\n"
            "Content-Length: 0\r\n\r\n"
        )
