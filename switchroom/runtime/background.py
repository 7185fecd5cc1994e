"""One owner for background tasks: none is forgotten, none dies unseen, all end with their owner."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

CANCEL_AGAIN_S = 0.5

log = structlog.get_logger(__name__)


class BackgroundTasks:
    """Keeps references to tasks, logs the ones that fail, cancels all at `close`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task.failed", task=task.get_name(), exc_info=error)

    async def close(self) -> None:
        """Cancel what still runs and wait until it is gone; again, for a library may swallow a cancellation."""
        while self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.wait(self._tasks, timeout=CANCEL_AGAIN_S)
