"""A mailbox: work that is done one piece after the other, by one task."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from switchroom.runtime.background import BackgroundTasks

log = structlog.get_logger(__name__)

Work = Callable[[], Awaitable[None]]


class MailboxClosed(Exception):
    """The owner is gone; the work was not done."""


class Mailbox:
    """Runs what is posted, in order. One piece that fails does not stop the next."""

    def __init__(self, tasks: BackgroundTasks, name: str) -> None:
        self._queue: asyncio.Queue[tuple[Work, asyncio.Future[None] | None]] = asyncio.Queue()
        self._closed = False
        self._name = name
        tasks.spawn(self._run(), name=f"mailbox.{name}")

    def post(self, work: Work) -> None:
        """Do ``work`` after all that was posted before; without effect once closed."""
        if not self._closed:
            self._queue.put_nowait((work, None))

    async def ask(self, work: Work) -> None:
        """As `post`, and wait until it is done. Raises what ``work`` raises, MailboxClosed if it was not done.

        Cancelled before its turn comes, it is not done; once it has begun, it is done to its end.
        """
        if self._closed:
            raise MailboxClosed(self._name)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((work, done))
        await done

    def close(self) -> None:
        """Do nothing more, after the piece that runs now."""
        self._closed = True
        self._queue.put_nowait((_nothing, None))

    async def _run(self) -> None:
        try:
            while not self._closed:
                await self._do(*await self._queue.get())
        finally:
            self._closed = True
            while not self._queue.empty():
                _, done = self._queue.get_nowait()
                if done is not None and not done.done():
                    done.set_exception(MailboxClosed(self._name))

    async def _do(self, work: Work, done: asyncio.Future[None] | None) -> None:
        if done is not None and done.cancelled():
            return
        try:
            await work()
        except Exception as error:
            if done is None:
                log.exception("mailbox.work_failed", mailbox=self._name)
            elif not done.done():
                done.set_exception(error)
        else:
            if done is not None and not done.done():
                done.set_result(None)


async def _nothing() -> None:
    """Wakes the task, so that it sees that it is to end."""
