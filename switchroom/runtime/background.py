"""One owner for background tasks: none is forgotten, none dies unseen, all end with their owner."""

import asyncio
from collections.abc import Collection, Coroutine
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
        """Cancel what still runs and wait until it is gone."""
        while self._tasks:
            await _cancel(tuple(self._tasks))


async def end_all_others() -> None:
    """End what a library left running on this loop, before `asyncio.run` does: that cancels once and waits for ever.

    SQLAlchemy leaves such a task when a transaction on SQLite is cancelled twice: it waits for a thread that is gone.
    """
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await _cancel(others)


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Once; who calls does it again, for a library may swallow a cancellation."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=CANCEL_AGAIN_S)
