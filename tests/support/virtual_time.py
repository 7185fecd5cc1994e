"""An event loop whose clock jumps: what a test waits for comes at once, in the order of its time.

When nothing is ready to run, the clock goes to the next timer. So `asyncio.sleep(30)` takes no time, and when it
returns, everything that was to happen within these 30 seconds has happened. For code that waits for timers and tasks
alone: with sockets, subprocesses or threads the clock would run ahead of their answers. A test asks for it with the
mark ``virtual_time`` (``tests/unit/conftest.py``).
"""

import asyncio
import selectors
from collections.abc import Callable, Sequence, Sized
from datetime import UTC, datetime, timedelta
from typing import Any

from switchroom.runtime.clock import Timer

START = datetime(2026, 1, 8, 9, 30, tzinfo=UTC)


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, tells how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.slept_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:  # no timer at all: only another thread can go on
            return super().select(None)
        self.slept_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 0 s."""

    _ready: Sized
    _scheduled: Sequence[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.slept_s

    async def settle(self) -> None:
        """Return when nothing is left that can run now. No time passes; a task that never waits is a hang."""
        await asyncio.sleep(0)
        while self._ready or (self._scheduled and self._scheduled[0].when() <= self.time()):
            await asyncio.sleep(0)


class VirtualClock:
    """`switchroom.runtime.clock.Clock` on the running loop's time."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def call_later(self, delay_s: float, action: Callable[[], Any]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, action)


async def settle() -> None:
    """Let everything run that is ready, in virtual time; with a real clock, a moment."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualTimeLoop):
        await loop.settle()
    else:
        await asyncio.sleep(1e-6)
