"""What other servers are shown of this server's line, and the reservations against them.

Everything is written in the order in which it happened, behind this server's own decisions. A store that is out of
reach is left alone for a while, costs no caller more than one time-out, and is told the whole line again when it is
back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from acd.core.line import QueueEntry
from acd.store.port import Store, StoreError
from switchroom.domain.ids import AgentId, ContactId
from switchroom.runtime.clock import Clock

log = structlog.get_logger(__name__)

HOLD_S = 180.0
"""So long an agent who is engaged is held without a word; each reconciliation, once a minute, says it again."""

PAUSE_S = 5.0
"""After a failure the store is not asked for so long."""

Write = Callable[[], Awaitable[None]]


class SharedLine:
    """The writer. ``run`` it in a task; the other methods return at once."""

    def __init__(self, store: Store, clock: Clock, line: Callable[[], Iterable[QueueEntry]]) -> None:
        """``line`` gives all contacts that wait here, those that are offered included."""
        self._store = store
        self._clock = clock
        self._line = line
        self._writes: asyncio.Queue[Write] = asyncio.Queue()
        self._behind = False
        """Something was not written: the store must be told the whole line."""
        self._paused_until = 0.0
        self._held: set[AgentId] = set()

    async def run(self) -> None:
        """Write what is asked for, until cancelled."""
        while True:
            write = await self._writes.get()
            try:
                await write()
            except Exception:
                log.exception("acd.store_write_failed")

    async def close(self) -> None:
        await self._store.close()

    def begin(self, agents: Iterable[AgentId]) -> None:
        """A server that starts holds nothing: what it held of the line and of ``agents`` when it died is given up."""
        self._writes.put_nowait(lambda: self._tell(lambda: self._store.replace([])))
        self._held.update(agents)
        for agent_id in tuple(self._held):
            self.let_go(agent_id)

    def joined(self, entry: QueueEntry) -> None:
        self._writes.put_nowait(lambda: self._tell(lambda: self._store.enqueue(entry)))

    def left(self, contact_id: ContactId) -> None:
        self._writes.put_nowait(lambda: self._tell(lambda: self._store.remove(contact_id)))

    def released(self, token: int) -> None:
        async def release() -> None:
            await self._store.release(token)

        self._writes.put_nowait(lambda: self._tell(release))

    def hold(self, agent_id: AgentId) -> None:
        """The agent talks, or writes up."""
        self._held.add(agent_id)
        self._writes.put_nowait(lambda: self._tell(lambda: self._store.hold(agent_id, HOLD_S)))

    async def claim(self, agent_id: AgentId) -> bool:
        """As `hold`, unless another server has the agent. One who is let go meanwhile is free for all afterwards.

        With a store that is out of reach this server's own state decides alone.
        """
        self._held.add(agent_id)
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            is_ours = True
            try:
                is_ours = bool(await self._ask(lambda: self._store.claim(agent_id, HOLD_S)))
            except StoreError:
                pass
            finally:
                if not answer.done():
                    answer.set_result(is_ours)

        self._writes.put_nowait(work)
        return await answer

    def let_go(self, agent_id: AgentId) -> None:
        """The agent does so no longer; nothing is written for one who was not held."""
        if agent_id in self._held:
            self._held.discard(agent_id)
            self._writes.put_nowait(lambda: self._tell(lambda: self._store.let_go(agent_id)))

    def align(self) -> None:
        """Tell the whole line again."""
        self._writes.put_nowait(lambda: self._tell(lambda: self._store.replace(list(self._line()))))

    def reserve(
        self, entry: QueueEntry, agent_id: AgentId, lease_s: float, then: Callable[[int | None, bool], None]
    ) -> None:
        """Reserve, and say the token, or whether somebody else was first: ``then(token, taken)``.

        No call waits for a store that is out of reach: then the answer is ``(None, False)``, and this server's own
        state decides alone.
        """

        async def work() -> None:
            try:
                token = await self._ask(lambda: self._store.reserve(entry, agent_id, lease_s))
            except StoreError:
                then(None, False)
            else:
                then(token, token is None)

        self._writes.put_nowait(work)

    async def _tell(self, write: Write) -> None:
        try:
            await self._ask(write)
        except StoreError:
            self._behind = True

    async def _ask(self, ask: Callable[[], Awaitable[int | None]] | Write) -> int | None:
        if self._clock.monotonic() < self._paused_until:
            raise StoreError("left alone after a failure")
        try:
            if self._behind:
                await self._store.replace(list(self._line()))
                self._behind = False
                log.info("acd.store_reachable_again")
            return await ask()
        except StoreError as error:
            self._behind = True
            self._paused_until = self._clock.monotonic() + PAUSE_S
            log.warning("acd.store_unreachable", error=str(error), paused_s=PAUSE_S)
            raise
