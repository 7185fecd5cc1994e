"""The live calls by their id, and the places in line that they keep."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

import structlog

from switchroom.bus import Bus
from switchroom.call import Call
from switchroom.clock import Clock
from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.errors import UnknownCall
from switchroom.domain.ids import CallId, QueueName
from switchroom.mailbox import Mailbox, MailboxClosed, Work
from switchroom.tasks import TaskGroup

log = structlog.get_logger(__name__)

MOST_ENDED = 50_000
"""Ended calls that are remembered until the softswitch's journal has told of them, too."""


class CallRegistry:
    """Opens, finds and ends calls."""

    def __init__(self, tasks: TaskGroup, bus: Bus, clock: Clock, fallback: QueueName) -> None:
        """``fallback`` is the queue of callers whose own nobody knows."""
        self._tasks, self._bus, self._clock = tasks, bus, clock
        self.fallback = fallback
        self._calls: dict[CallId, Call] = {}
        self._arrivals: dict[CallId, asyncio.Event] = {}
        self._ended: dict[CallId, None] = {}

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, call_id: CallId) -> Call | None:
        return self._calls.get(call_id)

    def known(self, call_id: CallId) -> Call:
        """The call; `UnknownCall` if there is none."""
        try:
            return self._calls[call_id]
        except KeyError:
            raise UnknownCall(call_id) from None

    async def arrival(self, call_id: CallId, timeout_s: float) -> Call:
        """The call, waiting for it if the media connection overtook the event that announces it."""
        if call_id not in self._calls:
            arrival = self._arrivals.setdefault(call_id, asyncio.Event())
            try:
                await asyncio.wait_for(arrival.wait(), timeout_s)
            except TimeoutError:
                self._arrivals.pop(call_id, None)
        return self.known(call_id)

    def open(self, call_id: CallId, number: str, phone: str, entered_at: datetime) -> Call:
        mailbox = Mailbox(self._tasks, call_id)
        call = self._calls[call_id] = Call(call_id, number, phone, entered_at, mailbox, self._bus, self._clock)
        if (arrival := self._arrivals.pop(call_id, None)) is not None:
            arrival.set()
        return call

    def end(self, call: Call, *, at: datetime | None = None, by_softswitch: bool = False) -> None:
        """As `Call.ended`; without effect on a call that has ended."""
        if self._calls.pop(call.call_id, None) is not None:
            self.remember(call.call_id)
            call.ended(at=at, by_softswitch=by_softswitch)

    def has_ended(self, call_id: CallId) -> bool:
        """Whether the call was ended here, and is not `forget`-ten."""
        return call_id in self._ended

    def remember(self, call_id: CallId) -> None:
        """The call has ended."""
        self._ended[call_id] = None
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def forget(self, call_id: CallId) -> None:
        self._ended.pop(call_id, None)

    def place(self, call: Call, written: Waiting | None) -> Waiting:
        """The place in line that is written on the channel; one in the fallback queue when that cannot be read."""
        if written is None:
            log.warning("calls.place_unreadable", call_id=call.call_id)
        return written or Waiting(Requirements(self.fallback, tier=call.caller.tier), call.entered_at)

    async def ask(self, call: Call, work: Work) -> None:
        """Do ``work`` in the call's mailbox; `UnknownCall` if the call ends before."""
        try:
            await call.mailbox.ask(work)
        except MailboxClosed:
            raise UnknownCall(call.call_id) from None
