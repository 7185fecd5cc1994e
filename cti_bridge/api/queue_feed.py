"""Tells every open desktop how long its lines are, at most once a second however busy it gets."""

import asyncio
from collections.abc import Sequence

import structlog
from pydantic import TypeAdapter

from cti_bridge.api.hub import Hub, encode
from cti_bridge.api.ports import AgentDesk
from switchroom.bus import Bus
from switchroom.clock import Clock
from switchroom.domain import events as ev
from switchroom.domain.views import QueueView

EVERY_S = 1.0
QUEUES = "switchroom.queues"
_VIEWS = TypeAdapter(list[QueueView])
_MOVES = (ev.CallQueued, ev.CallAdopted, ev.CallConnected, ev.CallEnded, ev.OfferMade, ev.OfferFailed, ev.Reconciled)

log = structlog.get_logger(__name__)


class QueueFeed:
    """Collects changes and sends one picture of the queues: to agents their own, to boards all."""

    def __init__(self, bus: Bus, clock: Clock, hub: Hub, desk: AgentDesk, *, every_s: float = EVERY_S) -> None:
        self._clock, self._hub, self._desk, self._every_s = clock, hub, desk, every_s
        self._changed = asyncio.Event()
        for kind in (*_MOVES, ev.AgentStateChanged):
            bus.subscribe(kind, lambda _: self._changed.set())

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                self._send()
            except Exception:
                log.exception("queue_feed.failed")
            await asyncio.sleep(self._every_s)

    def _send(self) -> None:
        queues = self._desk.queues()
        self._hub.tell_boards(self._encoded(queues))
        mine = {agent.id: frozenset(agent.queues) for agent in self._desk.agents()}
        texts: dict[frozenset[str], str] = {}
        for agent_id in self._hub.agents:
            names = mine.get(agent_id, frozenset())
            if names not in texts:
                texts[names] = self._encoded([queue for queue in queues if queue.name in names])
            self._hub.tell_agent(agent_id, texts[names])

    def _encoded(self, queues: Sequence[QueueView]) -> str:
        data = {"queues": _VIEWS.dump_python(list(queues), mode="json")}
        return encode(QUEUES, self._clock.now(), data)
