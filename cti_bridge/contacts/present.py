"""The contacts that are here now, as their events tell of them: kept until each is over and its work is done."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from switchroom.domain import events as ev
from switchroom.domain.history import ContactRecord, fold
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.storage.contacts import Contacts

_BEGINNINGS = (ev.ContactEntered, ev.ContactAdopted, ev.ContactQueued, ev.OfferMade, ev.ContactConnected)
_SINCE = (
    *("queue", "agent_id", "enqueued_at", "offered_at", "popped_at", "ringing_at", "answered_at"),
    *("ended_at", "outcome", "ticket_id"),
)

log = structlog.get_logger(__name__)


class PresentContacts:
    """Follows the bus. Make it before others that look things up here: it must see each event first."""

    def __init__(self, bus: Bus, history: Contacts) -> None:
        self._history = history
        self._tasks = BackgroundTasks()
        self._records: dict[ContactId, ContactRecord] = {}
        self._remembering: set[ContactId] = set()
        """Adopted contacts whose past is being read from the ledger."""
        self._needed: list[Callable[[ContactId], bool]] = []
        self._watchers: list[Callable[[ev.ContactEvent, ContactRecord], None]] = []
        self._unsubscribe = [
            bus.subscribe(ev.ContactEvent, self._follow),
            bus.subscribe(ev.Reconciled, self._reconciled),
        ]

    async def stop(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self._tasks.close()

    def keep_while(self, needed: Callable[[ContactId], bool]) -> None:
        """Also a contact that is over is kept while this is true of it; tell `release` when it is not any more."""
        self._needed.append(needed)

    def watch(self, action: Callable[[ev.ContactEvent, ContactRecord], None]) -> None:
        """Call ``action`` with each event, and the contact as it is after it."""
        self._watchers.append(action)

    def get(self, contact_id: ContactId) -> ContactRecord | None:
        return self._records.get(contact_id)

    async def find(self, contact_id: ContactId) -> ContactRecord | None:
        """As `get`, or from the ledger."""
        return self._records.get(contact_id) or await self._history.get(contact_id)

    def release(self, contact_id: ContactId) -> None:
        """Forget it, if it is over and nobody needs it."""
        record = self._records.get(contact_id)
        if record is None or record.ended_at is None or contact_id in self._remembering:
            return
        if not any(needed(contact_id) for needed in self._needed):
            del self._records[contact_id]

    def _follow(self, event: ev.ContactEvent) -> None:
        if event.contact_id not in self._records and not isinstance(event, _BEGINNINGS):
            return  # told late, of a contact that is over
        record = self._records[event.contact_id] = fold(self._records.get(event.contact_id), event)
        for action in self._watchers:
            action(event, record)
        if isinstance(event, ev.ContactAdopted) and event.contact_id not in self._remembering:
            self._remembering.add(event.contact_id)
            self._tasks.spawn(self._remember(event.contact_id), name="contacts.remember")
        elif isinstance(event, ev.ContactEnded):
            self.release(event.contact_id)

    def _reconciled(self, event: ev.Reconciled) -> None:
        for contact_id, record in tuple(self._records.items()):
            if contact_id not in event.live and record.ended_at is None:
                self._records[contact_id] = replace(record, ended_at=event.at)
                self.release(contact_id)

    async def _remember(self, contact_id: ContactId) -> None:
        """What the menu learned of a contact before the restart."""
        try:
            known = await self._history.get(contact_id)
        except Exception as error:
            log.warning("contacts.past_unknown", contact_id=contact_id, error=type(error).__name__)
            known = None
        self._remembering.discard(contact_id)
        if known is not None:
            self._records[contact_id] = _joined(known, self._records[contact_id])
        self.release(contact_id)


def _joined(known: ContactRecord, present: ContactRecord) -> ContactRecord:
    """The ledger's record of before the restart, with what has happened since."""
    since = {name: value for name in _SINCE if (value := getattr(present, name))}
    return replace(known, **since)
