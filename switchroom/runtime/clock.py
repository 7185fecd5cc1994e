"""Time, handed in, so that tests decide what it is."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Timer(Protocol):
    """Something that will happen, unless cancelled."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, aware, in UTC: for what is stored."""

    def monotonic(self) -> float:
        """Seconds that never step back: for measuring."""

    def call_later(self, delay_s: float, action: Callable[[], None]) -> Timer:
        """Run ``action`` in the event loop after ``delay_s``."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def call_later(self, delay_s: float, action: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, action)
