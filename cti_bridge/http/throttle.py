"""Slows down those who guess passwords, without locking out the person whose password is guessed at."""

from collections import deque

from switchroom.runtime.clock import Clock

WINDOW_S = 300.0
MOST_KEYS = 10_000


class Throttle:
    """At most ``limit`` failures for a key within five minutes."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock, self._limit = clock, limit
        self._failures: dict[str, deque[float]] = {}

    def wait_s(self, key: str) -> float:
        """Seconds until the key may try again; 0 when it may now."""
        failures = self._recent(key)
        if len(failures) < self._limit:
            return 0.0
        return max(0.0, failures[-self._limit] + WINDOW_S - self._clock.monotonic())

    def failed(self, key: str) -> None:
        if key not in self._failures and len(self._failures) >= MOST_KEYS:
            self._failures.pop(next(iter(self._failures)))  # the oldest key makes room
        self._failures.setdefault(key, deque(maxlen=self._limit)).append(self._clock.monotonic())

    def succeeded(self, key: str) -> None:
        self._failures.pop(key, None)

    def _recent(self, key: str) -> deque[float]:
        failures = self._failures.get(key)
        if failures is None:
            return deque()
        while failures and failures[0] + WINDOW_S <= self._clock.monotonic():
            failures.popleft()
        if not failures:
            del self._failures[key]
        return failures
