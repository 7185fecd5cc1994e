"""SIP without manners: exactly the bytes of a test, from the address of its choice, over UDP."""

import re
import socket
import time
import uuid
from types import TracebackType
from typing import Self

SDP = "v=0\r\no=x 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
LONGEST = 65535


class RawCall:
    """One INVITE and what came of it; hung up when left, in whatever state it is."""

    def __init__(self, server: tuple[str, int], host: str, dialled: bytes, sender: bytes, more: bytes = b"") -> None:
        """``dialled`` is the Request-URI's user part, ``sender`` the whole value of From, without its tag."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.connect(server)
        self._uri = b"sip:%s@%s:%d" % (dialled, server[0].encode(), server[1])
        self._target = self._uri
        self._sender = sender + b";tag=" + uuid.uuid4().hex.encode()
        self._via = f"SIP/2.0/UDP {host}:{self._socket.getsockname()[1]}".encode()
        self._contact = f"<sip:x@{host}:{self._socket.getsockname()[1]}>".encode()
        self._branch = b"z9hG4bK" + uuid.uuid4().hex.encode()
        self._call_id = uuid.uuid4().hex.encode()
        self._to = b"<%s>" % self._uri
        self.status: int | None = None
        """The final answer to the INVITE; None while there is none."""
        body = SDP.format(host=host).encode()
        self._invite = self._request(b"INVITE", self._uri, 1, more + b"Content-Type: application/sdp\r\n", body)

    def __enter__(self) -> Self:
        self._socket.send(self._invite)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if self.status == 200:
            self._socket.send(self._request(b"BYE", self._target, 2))
        elif self.status is None:
            self._socket.send(self._request(b"CANCEL", self._uri, 1))
        self._socket.close()

    def answered_with(self, timeout_s: float = 5.0) -> int | None:
        """The final status, acknowledged as it should be; None when nothing final came (a server may drop rubbish)."""
        deadline = time.monotonic() + timeout_s
        while self.status is None and (left_s := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                self._take(self._socket.recv(LONGEST))
            except TimeoutError:
                break
        return self.status

    def _take(self, message: bytes) -> None:
        found = re.match(rb"SIP/2.0 (\d{3})", message)
        if found is None or int(found[1]) < 200:
            return
        self.status = int(found[1])
        if to := re.search(rb"^To: *(.+?)\r$", message, re.MULTILINE | re.IGNORECASE):
            self._to = to[1]
        if contact := re.search(rb"^Contact: *<(.+?)>", message, re.MULTILINE | re.IGNORECASE):
            self._target = contact[1]
        if self.status == 200:  # an ACK of its own (RFC 3261, 13.2.2.4)
            self._branch = b"z9hG4bK" + uuid.uuid4().hex.encode()
        self._socket.send(self._request(b"ACK", self._target, 1))

    def _request(self, method: bytes, uri: bytes, number: int, more: bytes = b"", body: bytes = b"") -> bytes:
        branch = self._branch + (b"b" if method == b"BYE" else b"")
        return (
            b"%s %s SIP/2.0\r\nVia: %s;branch=%s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
            b"Contact: %s\r\nMax-Forwards: 70\r\n%sContent-Length: %d\r\n\r\n%s"
        ) % (
            method, uri, self._via, branch, self._sender, self._to, self._call_id, number, method,
            self._contact, more, len(body), body,
        )  # fmt: skip
