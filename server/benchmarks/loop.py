"""How long an event loop is held: the time between two looks at its sockets."""

import asyncio
import selectors
import time
from typing import Any


class TimedSelector(selectors.DefaultSelector):
    """Notes what lies between the return of a `select` and the next one: the callbacks that ran, all together."""

    def __init__(self) -> None:
        super().__init__()
        self.held_s: list[float] = []
        self.cpu_s: list[float] = []
        self._since = (time.perf_counter(), time.thread_time())

    def select(self, timeout: float | None = None) -> Any:
        wall, cpu = time.perf_counter(), time.thread_time()
        self.held_s.append(wall - self._since[0])
        self.cpu_s.append(cpu - self._since[1])
        try:
            return super().select(timeout)
        finally:
            self._since = (time.perf_counter(), time.thread_time())

    def clear(self) -> None:
        """Begin to count anew."""
        self.held_s.clear()
        self.cpu_s.clear()


def timed_loop(selector: TimedSelector) -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(selector)
