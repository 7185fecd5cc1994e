"""The contacts that are here now, as their events tell of them: kept until each is over and its work is done."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Protocol

import structlog

from switchroom.domain import events as ev
from switchroom.domain.history import ContactRecord, fold
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus

_BEGINNINGS = (ev.ContactEntered, ev.ContactAdopted, ev.ContactQueued, ev.OfferMade, ev.ContactConnected)
_ONCE = (ev.NodeVisited, ev.InputTaken)
"""Events that change a record each time they are told."""

Watcher = Callable[[ev.ContactEvent, ContactRecord | None, ContactRecord], None]

log = structlog.get_logger(__name__)


class History(Protocol):
    """The contacts of the past."""

    async def get(self, contact_id: ContactId) -> ContactRecord | None:
        """As the ledger has it, if it does; any error may escape while that is away."""


class PresentContacts:
    """Follows the bus. Make it before others that look things up here: it must see each event first."""

    def __init__(self, bus: Bus, history: History) -> None:
        self._history = history
        self._tasks = BackgroundTasks()
        self._records: dict[ContactId, ContactRecord] = {}
        self._remembering: dict[ContactId, list[ev.ContactEvent]] = {}
        """Adopted contacts whose past is being read from the ledger, with what was heard of them meanwhile."""
        self._talks_missed: defaultdict[ContactId, list[ev.TalkEnded]] = defaultdict(list)
        """Talks of which is told before their contact is adopted."""
        self._needed: list[Callable[[ContactId], bool]] = []
        self._watchers: list[Watcher] = []
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

    def watch(self, action: Watcher) -> None:
        """Call ``action`` with each event, and the contact as it was before (None: unknown) and is after it."""
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
        contact_id, before = event.contact_id, self._records.get(event.contact_id)
        if before is None and not isinstance(event, _BEGINNINGS):
            if isinstance(event, ev.TalkEnded):
                self._talks_missed[contact_id].append(event)
            return  # told late, of a contact that is over
        if isinstance(event, ev.ContactAdopted) and before is None:
            self._remembering[contact_id] = [*self._talks_missed.pop(contact_id, ())]
            self._tasks.spawn(self._remember(contact_id), name="contacts.remember")
        if (heard := self._remembering.get(contact_id)) is not None:
            heard.append(event)
        record = self._records[contact_id] = fold(before, event)
        for action in self._watchers:
            action(event, before, record)
        if isinstance(event, ev.ContactEnded):
            self.release(contact_id)

    def _reconciled(self, event: ev.Reconciled) -> None:
        self._talks_missed.clear()
        for contact_id, record in tuple(self._records.items()):
            if record.channel == event.channel and contact_id not in event.live and record.ended_at is None:
                self._records[contact_id] = replace(record, ended_at=event.at)
                self.release(contact_id)

    async def _remember(self, contact_id: ContactId) -> None:
        """What the menu learned of a contact before the restart."""
        try:
            known = await self._history.get(contact_id)
        except Exception as error:
            log.warning("contacts.past_unknown", contact_id=contact_id, error=type(error).__name__)
            known = None
        heard = self._remembering.pop(contact_id)
        if known is not None:
            record = reduce(fold, (event for event in heard if not isinstance(event, _ONCE)), known)
            ended_at = record.ended_at or self._records[contact_id].ended_at
            self._records[contact_id] = replace(record, ended_at=ended_at)
        self.release(contact_id)
