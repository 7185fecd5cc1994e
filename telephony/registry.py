"""The live calls by their id, and the places in line that they keep."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

import structlog

from switchroom.domain.brand import Brand, Brands
from switchroom.domain.call import TALKING
from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.errors import UnknownContact
from switchroom.domain.ids import ContactId, QueueName
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.runtime.mailbox import Mailbox, MailboxClosed, Work
from telephony.call import Call
from telephony.talking import talks_over

log = structlog.get_logger(__name__)

MOST_ENDED = 50_000
"""Ended calls that are remembered until the softswitch's journal has told of them, too."""


class CallRegistry:
    """Opens, finds and ends calls."""

    def __init__(self, tasks: BackgroundTasks, bus: Bus, clock: Clock, fallback: QueueName, brands: Brands) -> None:
        """``fallback`` is the queue of callers whose own nobody knows."""
        self._tasks, self._bus, self._clock = tasks, bus, clock
        self.fallback, self._brands = fallback, brands
        self._calls: dict[ContactId, Call] = {}
        self._arrivals: dict[ContactId, asyncio.Event] = {}
        self._ended: dict[ContactId, None] = {}

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, contact_id: ContactId) -> Call | None:
        return self._calls.get(contact_id)

    def known(self, contact_id: ContactId) -> Call:
        """The call; `UnknownContact` if there is none."""
        try:
            return self._calls[contact_id]
        except KeyError:
            raise UnknownContact(contact_id) from None

    async def arrival(self, contact_id: ContactId, timeout_s: float) -> Call:
        """The call, waiting for it if the media connection overtook the event that announces it."""
        if contact_id not in self._calls:
            arrival = self._arrivals.setdefault(contact_id, asyncio.Event())
            try:
                await asyncio.wait_for(arrival.wait(), timeout_s)
            except TimeoutError:
                self._arrivals.pop(contact_id, None)
        return self.known(contact_id)

    def brand(self, number: str) -> Brand:
        """What the dialled number stands for."""
        return self._brands.of(number)

    def open(self, contact_id: ContactId, number: str, phone: str, entered_at: datetime) -> Call:
        mailbox = Mailbox(self._tasks, contact_id)
        call = self._calls[contact_id] = Call(
            contact_id, number, phone, self.brand(number), entered_at, mailbox, self._bus, self._clock
        )
        if (arrival := self._arrivals.pop(contact_id, None)) is not None:
            arrival.set()
        return call

    def end(self, call: Call, *, at: datetime | None = None, by_softswitch: bool = False) -> None:
        """As `Call.ended`; without effect on a call that has ended."""
        if self._calls.pop(call.contact_id, None) is not None:
            self.remember(call.contact_id)
            if call.state in TALKING:
                talks_over(call, at or self._clock.now())
            call.ended(at=at, by_softswitch=by_softswitch)

    def has_ended(self, contact_id: ContactId) -> bool:
        """Whether the call was ended here, and is not `forget`-ten."""
        return contact_id in self._ended

    def remember(self, contact_id: ContactId) -> None:
        """The call has ended."""
        self._ended[contact_id] = None
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def forget(self, contact_id: ContactId) -> None:
        self._ended.pop(contact_id, None)

    def place(self, call: Call, written: Waiting | None) -> Waiting:
        """The place in line that is written on the channel; one in the fallback queue when that cannot be read."""
        if written is None:
            log.warning("calls.place_unreadable", contact_id=call.contact_id)
        return written or Waiting(Requirements(self.fallback, tier=call.caller.tier), call.entered_at)

    async def ask(self, call: Call, work: Work) -> None:
        """Do ``work`` in the call's mailbox; `UnknownContact` if the call ends before."""
        try:
            await call.mailbox.ask(work)
        except MailboxClosed:
            raise UnknownContact(call.contact_id) from None
