"""A ledger that only knows how calls ended, for tests of call control."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping

from switchroom.domain.contact import Outcome
from switchroom.domain.events import ContactEnded, ContactEntered, Reconciled, TalkEnded
from switchroom.domain.ids import ContactId, OfferId
from switchroom.runtime.bus import Bus
from telephony.reconcile import Booked


class FakeBookings:
    """Outlives servers (`telephony.reconcile.Bookings`); ``follow`` each one's bus. ``away``: it does not answer."""

    def __init__(self) -> None:
        self.known: dict[ContactId, Outcome | None] = {}
        self.talks_over: defaultdict[ContactId, set[OfferId]] = defaultdict(set)
        self._there = asyncio.Event()
        self._there.set()

    @property
    def away(self) -> bool:
        return not self._there.is_set()

    @away.setter
    def away(self, away: bool) -> None:
        if away:
            self._there.clear()
        else:
            self._there.set()

    def follow(self, bus: Bus) -> None:
        bus.subscribe(ContactEntered, lambda event: self.known.setdefault(event.contact_id, None))
        bus.subscribe(ContactEnded, self._on_ended)
        bus.subscribe(Reconciled, self._on_reconciled)
        bus.subscribe(TalkEnded, lambda event: self.talks_over[event.contact_id].add(event.offer_id))

    def _on_ended(self, event: ContactEnded) -> None:
        if self.known.get(event.contact_id) is None:
            self.known[event.contact_id] = event.outcome

    def _on_reconciled(self, event: Reconciled) -> None:
        """What is not live is over, as the ledger sees it."""
        for contact_id, outcome in self.known.items():
            if outcome is None and contact_id not in event.live:
                self.known[contact_id] = Outcome.ABANDONED

    async def booked(self, contact_ids: Collection[ContactId]) -> Mapping[ContactId, Booked]:
        if self.away:
            raise ConnectionError
        return {
            one: Booked(self.known[one], frozenset(self.talks_over[one])) for one in contact_ids if one in self.known
        }

    async def flush(self) -> None:
        await self._there.wait()
