"""A clock that a test moves by hand."""

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class FakeTimer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """`switchroom.runtime.clock.Clock`; `advance` runs the timers that fall due, in order."""

    def __init__(self, start: datetime = datetime(2026, 1, 8, 9, 30, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, FakeTimer, Callable[[], None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def call_later(self, delay_s: float, action: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer()
        heapq.heappush(self._timers, (self._elapsed + delay_s, next(self._order), timer, action))
        return timer

    def advance(self, seconds: float) -> None:
        until = self._elapsed + seconds
        while self._timers and self._timers[0][0] <= until:
            due, _, timer, action = heapq.heappop(self._timers)
            self._elapsed = max(self._elapsed, due)
            if not timer.cancelled:
                action()
        self._elapsed = until
