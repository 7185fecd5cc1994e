"""One AMI connection: panoramisk's protocol with its defects closed. The only module that imports panoramisk.

What panoramisk 1.4 does, and what is done here instead:

1. decodes each read by itself and drops a character that was split   → one incremental decoder
2. sends unanswered actions again after a reconnect                   → a lost connection fails them; nobody replays
3. leaves the future of an action unresolved for ever                 → a deadline on every action
4. keeps timed-out actions                                            → they are forgotten at their deadline
5. lets CR and LF in a value begin another action                     → refused before anything is sent
6. dies of an exception in a handler                                  → caught and logged
7. buffers an endless message                                         → cut off at 64 KiB
8. never gives up on a silent peer                                    → the pings of `ami_link`, with a deadline
9. raises AttributeError when not connected, says nothing of a refused login → SwitchError; `ami_link` tells
"""

import asyncio
import codecs
from collections.abc import Callable, Mapping, Sequence

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message as PanoramiskMessage

from telephony.softswitch.port import SwitchError
from telephony.softswitch.translate import Message, text

log = structlog.get_logger(__name__)

MAX_MESSAGE = 64 * 1024  # characters; Asterisk's longest events are a few KiB
MAX_LINE = 1024  # bytes, Asterisk's own limit for one header

_FORBIDDEN = frozenset(map(chr, (*range(0x20), 0x7F)))


class AmiProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk carries no types
    """Frames, numbers and matches; knows no login and never reconnects.

    ``on_event`` gets every event that belongs to no action, in order; ``lost`` is done once the connection is gone.
    """

    def __init__(self, on_event: Callable[[Message], None]) -> None:
        self._on_event = on_event
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.encoding = "utf-8"
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.closed: bool = False
        self.factory = self  # whom panoramisk tells of events and of the end

    async def request(self, *actions: Mapping[str, str], timeout_s: float) -> list[Sequence[Message]]:
        """Write all ``actions`` back to back at once, then wait for their answers: one message, or all of a list.

        Raises SwitchError: refused here (then nothing was written), lost, or not all answered in time. What
        Asterisk answers is for the caller to judge.
        """
        if self.lost.done():
            raise SwitchError("not connected to Asterisk")
        for action in actions:
            _check(action)
        sent = [Action(action) for action in actions]
        futures = [action.future for action in sent]
        for action in sent:
            self.send(action, as_list=None)
        try:
            await asyncio.wait(futures, timeout=timeout_s)
        finally:
            for action in sent:
                self.responses.pop(action.id, None)
        for action in sent:
            if not action.future.done():
                raise SwitchError(f"Asterisk did not answer {action['Action']} within {timeout_s} s")
        if errors := [error for future in futures if (error := future.exception())]:
            raise errors[0]
        answers = (future.result() for future in futures)
        return [[dict(message) for message in (one if isinstance(one, list) else [one])] for one in answers]

    def data_received(self, data: bytes) -> None:
        whole = self._decoder.decode(data)
        super().data_received(whole.encode())
        if self.queue and len(self.queue[-1]) > MAX_MESSAGE:
            log.error("ami.message_too_long", limit=MAX_MESSAGE)
            self.connection_lost(None)

    def handle_message(self, message: PanoramiskMessage) -> None:
        try:
            super().handle_message(message)
        except Exception:
            log.exception("ami.handler_failed", ami_event=text(message, "Event"))

    def dispatch(self, event: PanoramiskMessage) -> None:
        self._on_event(dict(event))

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection and fail what is unanswered: whether it was done is for a snapshot to tell."""
        if self.closed:
            return
        self.closed = True
        self.transport.abort()
        for action in list(self.responses.values()):
            if not action.future.done():
                action.future.set_exception(SwitchError(f"connection lost before {action['Action']} was answered"))
        self.responses.clear()
        if not self.lost.done():
            self.lost.set_result(None)


def _check(action: Mapping[str, str]) -> None:
    for name, value in action.items():
        if _FORBIDDEN & {*name, *value} or len(f"{name}: {value}".encode()) > MAX_LINE:
            raise SwitchError(f"{action['Action']}: {name} holds a control character or is too long")
