"""A ledger that only knows how calls ended, for tests of call control."""

import asyncio
from collections.abc import Collection, Mapping

from switchroom.bus import Bus
from switchroom.domain.call import Outcome
from switchroom.domain.events import CallEnded, CallEntered, Reconciled
from switchroom.domain.ids import CallId


class FakeBookings:
    """Outlives servers (`switchroom.reconcile.Bookings`); ``follow`` each one's bus. ``away``: it does not answer."""

    def __init__(self) -> None:
        self.known: dict[CallId, Outcome | None] = {}
        self.away = False

    def follow(self, bus: Bus) -> None:
        bus.subscribe(CallEntered, lambda event: self.known.setdefault(event.call_id, None))
        bus.subscribe(CallEnded, self._on_ended)
        bus.subscribe(Reconciled, self._on_reconciled)

    def _on_ended(self, event: CallEnded) -> None:
        if self.known.get(event.call_id) is None:
            self.known[event.call_id] = event.outcome

    def _on_reconciled(self, event: Reconciled) -> None:
        """What is not live is over, as the ledger sees it."""
        for call_id, outcome in self.known.items():
            if outcome is None and call_id not in event.live:
                self.known[call_id] = Outcome.ABANDONED

    async def outcomes(self, call_ids: Collection[CallId]) -> Mapping[CallId, Outcome | None]:
        if self.away:
            raise ConnectionError
        return {call_id: self.known[call_id] for call_id in call_ids if call_id in self.known}

    async def flush(self) -> None:
        while self.away:
            await asyncio.sleep(0)
