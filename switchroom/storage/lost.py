"""Ends contacts that were lost: open in the database, but no longer there when the channel tells its whole picture.

Their server and what carried them were away together, so nobody has told of the end.
"""

from datetime import datetime

import structlog

from switchroom.domain.contact import Outcome
from switchroom.domain.events import ContactEnded, ContactEvent, Reconciled
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.storage.contacts import Contacts
from switchroom.storage.ledger import Ledger

log = structlog.get_logger(__name__)


class LostContacts:
    """Says the ends on the bus: browsers and reports learn of them as of any other. Make it after the ledger."""

    def __init__(self, ledger: Ledger, contacts: Contacts, bus: Bus) -> None:
        self._ledger, self._contacts, self._bus = ledger, contacts, bus
        self._tasks = BackgroundTasks()
        self._unsubscribe = bus.subscribe(Reconciled, self._on_reconciled)

    async def stop(self) -> None:
        self._unsubscribe()
        await self._tasks.close()

    def _on_reconciled(self, event: Reconciled) -> None:
        came_since: set[ContactId] = set()
        unsubscribe = self._bus.subscribe(ContactEvent, lambda later: came_since.add(later.contact_id))
        self._tasks.spawn(self._end(event, came_since), name="lost_contacts").add_done_callback(lambda _: unsubscribe())

    async def _end(self, event: Reconciled, came_since: set[ContactId]) -> None:
        """``came_since`` grows meanwhile: the picture is older than what is told of those."""
        await self._ledger.flush()
        server = self._ledger.server
        for record in await self._contacts.open(server, event.channel, but=event.live):
            if record.contact_id not in came_since:
                log.warning("contacts.lost", contact_id=record.contact_id, channel=event.channel)
                self._bus.publish(end_of(record, event.at))


def end_of(record: ContactRecord, at: datetime) -> ContactEnded:
    """With the outcome that can still be told."""
    served = record.answered_at is not None and not record.is_waiting
    outcome = Outcome.CONNECTED if served else Outcome.ABANDONED
    return ContactEnded(at=at, contact_id=record.contact_id, outcome=outcome)
