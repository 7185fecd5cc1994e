"""Waiting for what should become true, in tests that watch real programs, sockets and threads."""

import asyncio
import time
from collections.abc import Callable

TIMEOUT_S = 10.0


def wait_until(holds: Callable[[], object], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Block until ``holds()`` is true; fail with ``what`` was waited for."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)


async def eventually(holds: Callable[[], object], what: str = "a condition", timeout_s: float = TIMEOUT_S) -> None:
    """`wait_until` for tests that run in an event loop."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.005)
