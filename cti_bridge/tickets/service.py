"""A ticket for every contact that reached an agent: opened once, and closed by a person.

Who is owed one is written in the transaction that writes the answer (`switchroom.storage.owing`); the ledger wakes
us when it is committed. Each try has a deadline; what a try may end with decides: a ticket, a refusal for good, or
another try.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from cti_bridge.connectors.port import Ticketing, TicketRefused
from cti_bridge.http.kept import KEPT_WITHIN_S
from switchroom.domain.events import TicketClosed, TicketFailed, TicketJoined, TicketOpened
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import AgentId, QueueName, TicketId
from switchroom.domain.ticket import Ticket, TicketState
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.contacts import Contacts
from switchroom.storage.outbox import MOST_TAKEN, Outbox, OwedTicket
from switchroom.storage.owing import OutboxState

DISPOSITIONS = ("resolved", "refund", "follow_up", "complaint", "wrong_number", "no_customer", "other")
"""What can have come of a call; the desktop offers these."""

JOINED = "joined"
"""What came of a ticket whose contact belongs to another one now."""

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
DEADLINE_S = 10.0
"""For one try."""
LEASE = timedelta(seconds=120)
"""How long a ticket stays with a server of which nothing is heard: longer than a try and the pause after it."""
SWEEP_S = 30.0
"""How often another server's tickets are looked for. Our own come at once, with the ledger's commit."""
FULL_HAND_S = 5.0
"""How long the next tickets wait for as many as one server takes at once."""
DONE_KEPT = timedelta(days=2)
LONGEST_REASON = 200

QueueTitle = Callable[[QueueName, str | None], str]
"""A queue's title for people, in the given language (BCP 47) if there is one."""

log = structlog.get_logger(__name__)


class DispositionMissing(ValueError):
    """A ticket is closed with one of `DISPOSITIONS`, or not at all."""


class TicketService:
    """Opens the tickets that are owed, moves and closes them, and says so on the bus."""

    def __init__(
        self,
        ticketing: Ticketing,
        outbox: Outbox,
        history: Contacts,
        bus: Bus,
        clock: Clock,
        queue_title: QueueTitle,
    ) -> None:
        self._ticketing, self._outbox, self._history = ticketing, outbox, history
        self._bus, self._clock, self._queue_title = bus, clock, queue_title
        self._tasks = BackgroundTasks()
        self.counts: Mapping[OutboxState, int] = {OutboxState.OWED: 0, OutboxState.FAILED: 0}
        """How many tickets are owed or were refused for good, as of the last look."""

    def start(self) -> None:
        self._tasks.spawn(self._work(), name="tickets")

    async def move(
        self, ticket: Ticket, to: TicketState, *, disposition: str | None = None, note: str | None = None
    ) -> Ticket:
        """Move the ticket; raises `DispositionMissing`, `IllegalTicketMove`, or LookupError when there is none."""
        if to is TicketState.CLOSED and disposition not in DISPOSITIONS:
            raise DispositionMissing(f"a ticket is closed with one of: {', '.join(DISPOSITIONS)}")
        if ticket.state is TicketState.CLOSED and to is TicketState.CLOSED and disposition == ticket.disposition:
            assert disposition is not None
            await self._closed_again(ticket, disposition)
            return ticket
        now = self._clock.now()
        moved = await self._ticketing.move(ticket.id, to, now, disposition=disposition, note=note)
        if to is TicketState.CLOSED:
            assert disposition is not None
            self._closed(ticket, disposition)
        return moved

    async def _closed_again(self, ticket: Ticket, disposition: str) -> None:
        """The same click again: what a server that was killed meanwhile could not write down is told once more."""
        try:
            async with asyncio.timeout(KEPT_WITHIN_S):
                await self._outbox.settled()
        except TimeoutError:
            return  # told, and waiting to be written down
        record = await self._history.get(ticket.contact_id)
        if record is not None and record.disposition != disposition:
            self._closed(ticket, disposition)

    def _closed(self, ticket: Ticket, disposition: str) -> None:
        self._bus.publish(
            TicketClosed(
                at=self._clock.now(), contact_id=ticket.contact_id, ticket_id=ticket.id, disposition=disposition
            )
        )

    async def join(self, contact: ContactRecord, agent_id: AgentId, ticket_id: TicketId) -> Ticket:
        """Make the contact one of an open ticket's; the ticket that was opened for it alone is closed as `JOINED`.

        Raises LookupError when there is no such ticket, `IllegalTicketMove` when it is closed.
        """
        joined = await self._ticketing.join(contact.contact_id, ticket_id)
        if contact.ticket_id == ticket_id:
            return joined  # the same click again
        own = None if contact.ticket_id is None else await self._ticketing.get(contact.ticket_id)
        if own is not None and own.contact_id == contact.contact_id and own.state is not TicketState.CLOSED:
            await self._ticketing.move(own.id, TicketState.CLOSED, self._clock.now(), disposition=JOINED)
        # Last: until it is written down, the contact's record says what a repeat has to do.
        self._bus.publish(
            TicketJoined(at=self._clock.now(), contact_id=contact.contact_id, ticket_id=ticket_id, agent_id=agent_id)
        )
        return joined

    async def close(self) -> None:
        """Stop trying; what is still owed is done by the next server that starts, or by another."""
        await self._tasks.close()

    async def _work(self) -> None:
        released = False
        while True:
            pause_s = SWEEP_S
            try:
                now = self._clock.now()
                if not released:
                    await self._outbox.release(now)
                    released = True
                owed = await self._outbox.take(now, LEASE)
                tries = [self._tasks.spawn(self._open(one), name="ticket") for one in owed]
                self.counts = await self._outbox.counts()
                if len(owed) == MOST_TAKEN:  # more are owed: they come as soon as these are done
                    await asyncio.wait(tries, timeout=FULL_HAND_S)
                    continue
            except Exception as error:
                log.warning("tickets.outbox_unread", error=type(error).__name__)
                pause_s = BACKOFF_S[0]
            if not await self._outbox.wait(pause_s):
                await self._sweep()

    async def _sweep(self) -> None:
        try:
            await self._outbox.forget_done(self._clock.now() - DONE_KEPT)
        except Exception as error:
            log.warning("tickets.outbox_unwritten", error=type(error).__name__)

    async def _open(self, owed: OwedTicket) -> None:
        """Try until there is a ticket or a refusal; the commit of either event closes the row."""
        tries = 0
        while True:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    opened = await self._opened(owed)
            except TicketRefused as refusal:
                self._failed(owed, refusal)
                return
            except Exception as error:
                pause_s = BACKOFF_S[min(tries, len(BACKOFF_S) - 1)]
                tries += 1
                reason = type(error).__name__
                log.warning("ticket.retrying", contact_id=owed.contact_id, error=reason, tries=tries)
                await self._keep(owed, reason)
                await asyncio.sleep(pause_s)
            else:
                self._bus.publish(opened)
                return

    async def _opened(self, owed: OwedTicket) -> TicketOpened:
        record = await self._history.get(owed.contact_id)
        if record is None:
            raise LookupError("the contact is not in the ledger")
        ticket = await self._ticketing.open(
            contact_id=owed.contact_id,
            subject=subject_of(record, self._queue_title),
            at=record.answered_at or self._clock.now(),
            agent_id=owed.agent_id,
            customer_id=record.customer_id,
        )
        return TicketOpened(
            at=self._clock.now(), contact_id=owed.contact_id, ticket_id=ticket.id, agent_id=owed.agent_id
        )

    def _failed(self, owed: OwedTicket, refusal: TicketRefused) -> None:
        log.error("ticket.refused", contact_id=owed.contact_id)
        reason = str(refusal)[:LONGEST_REASON]
        self._bus.publish(
            TicketFailed(at=self._clock.now(), contact_id=owed.contact_id, agent_id=owed.agent_id, reason=reason)
        )

    async def _keep(self, owed: OwedTicket, reason: str) -> None:
        """Tell the other servers that this one is still at it."""
        try:
            await self._outbox.keep(owed.contact_id, self._clock.now() + LEASE, reason)
        except Exception as error:
            log.warning("tickets.outbox_unwritten", error=type(error).__name__)


def subject_of(record: ContactRecord, queue_title: QueueTitle) -> str:
    """A first line for the ticket, from where the call came through: the agent writes a better one.

    >>> from datetime import UTC, datetime
    >>> subject_of(ContactRecord(contact_id="c", entered_at=datetime.now(UTC), queue="returns",
    ...                          collected={"order": "20260105"}), lambda queue, language: queue.title())
    'Returns · 20260105'
    """
    queue = queue_title(record.queue, record.language) if record.queue else record.number
    return " · ".join([queue, *record.collected.values()])[:300]
