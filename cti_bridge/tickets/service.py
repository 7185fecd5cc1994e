"""A ticket for every call that reached an agent: opened once, whatever fails or restarts, and closed by a person."""

import asyncio
from collections.abc import Callable

import structlog

from cti_bridge.connectors.port import Ticketing
from switchroom.domain.events import TicketClosed, TicketOpened
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import ContactId, QueueName, TicketId
from switchroom.domain.ticket import Ticket, TicketState
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock

DISPOSITIONS = ("resolved", "refund", "follow_up", "complaint", "wrong_number", "no_customer", "other")
"""What can have come of a call; the desktop offers these."""

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)

QueueTitle = Callable[[QueueName, str | None], str]
"""A queue's title for people, in the given language (BCP 47) if there is one."""

log = structlog.get_logger(__name__)


class DispositionMissing(ValueError):
    """A ticket is closed with one of `DISPOSITIONS`, or not at all."""


class TicketService:
    """Opens, moves and closes tickets, and says so on the bus."""

    def __init__(self, ticketing: Ticketing, bus: Bus, clock: Clock, queue_title: QueueTitle) -> None:
        self._ticketing, self._bus, self._clock, self._queue_title = ticketing, bus, clock, queue_title
        self._tasks = BackgroundTasks()
        self._asked: set[ContactId] = set()

    def open_for(self, record: ContactRecord) -> None:
        """See to it that the call has a ticket; asking again changes nothing."""
        if record.ticket_id is None and record.contact_id not in self._asked:
            self._asked.add(record.contact_id)
            self._tasks.spawn(self._open(record), name="ticket")

    async def move(
        self, ticket: Ticket, to: TicketState, *, disposition: str | None = None, note: str | None = None
    ) -> Ticket:
        """Move the ticket; raises `DispositionMissing`, `IllegalTicketMove`, or LookupError when there is none."""
        if to is TicketState.CLOSED and disposition not in DISPOSITIONS:
            raise DispositionMissing(f"a ticket is closed with one of: {', '.join(DISPOSITIONS)}")
        if ticket.state is TicketState.CLOSED and to is TicketState.CLOSED and disposition == ticket.disposition:
            return ticket  # the same click again
        now = self._clock.now()
        moved = await self._ticketing.move(ticket.id, to, now, disposition=disposition, note=note)
        if to is TicketState.CLOSED:
            assert disposition is not None
            closed = TicketClosed(
                at=now, contact_id=ticket.contact_id, ticket_id=TicketId(ticket.id), disposition=disposition
            )
            self._bus.publish(closed)
        return moved

    async def close(self) -> None:
        """Stop trying; what is still owed is found in the ledger at the next start."""
        await self._tasks.close()

    async def _open(self, record: ContactRecord) -> None:
        at = record.answered_at or self._clock.now()
        tries = 0
        while True:
            try:
                async with asyncio.timeout(10):
                    ticket = await self._ticketing.open(
                        contact_id=record.contact_id,
                        subject=subject_of(record, self._queue_title),
                        at=at,
                        agent_id=record.agent_id,
                        customer_id=record.customer_id,
                    )
                break
            except Exception as error:
                pause_s = BACKOFF_S[min(tries, len(BACKOFF_S) - 1)]
                tries += 1
                log.warning("ticket.retrying", contact_id=record.contact_id, error=type(error).__name__, tries=tries)
                await asyncio.sleep(pause_s)
        self._asked.discard(record.contact_id)
        if record.agent_id is not None:
            self._bus.publish(
                TicketOpened(
                    at=self._clock.now(), contact_id=record.contact_id, ticket_id=ticket.id, agent_id=record.agent_id
                )
            )


def subject_of(record: ContactRecord, queue_title: QueueTitle) -> str:
    """A first line for the ticket, from where the call came through: the agent writes a better one.

    >>> from datetime import UTC, datetime
    >>> subject_of(ContactRecord(contact_id=ContactId("c"), entered_at=datetime.now(UTC), queue="returns",
    ...                          collected={"order": "20260105"}), lambda queue, language: queue.title())
    'Returns · 20260105'
    """
    queue = queue_title(record.queue, record.language) if record.queue else record.number
    return " · ".join([queue, *record.collected.values()])[:300]
