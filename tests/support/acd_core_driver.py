"""The ACD's core alone under the state machine."""

from collections.abc import Callable

from acd.core import events as ev
from acd.core.core import Core
from switchroom.domain.ids import OfferId
from tests.support.acd_driver import Take


class CoreDriver:
    """The core alone, in virtual time."""

    confirms = False

    def __init__(self, make: Callable[[Callable[[], OfferId], float], Core]) -> None:
        self._make = make
        self._now = 1000.0
        self._offers = 0
        self.core = make(self._new_id, self._now)

    def _new_id(self) -> OfferId:
        self._offers += 1
        return OfferId(f"o{self._offers}")

    def now(self) -> float:
        return self._now

    def tell(self, event: ev.Event, take: Take) -> None:
        take(self.core.apply(event, self._now))

    def sleep(self, seconds: float, take: Take) -> None:
        until = self._now + seconds
        while (due := self.core.next_due) is not None and due <= until:
            self._now = max(self._now, due)
            take(self.core.apply(ev.TimePassed(), self._now))
        self._now = until

    def restart(self, known: list[ev.KnownAgent]) -> None:
        self.core = self._make(self._new_id, self._now)
        self.core.apply(ev.AgentsRestored(known), self._now)

    def close(self) -> None: ...
