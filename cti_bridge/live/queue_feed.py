"""Tells every open desktop how long its lines are, at most once a second however busy it gets.

Only what changed is sent, encoded once a queue; a thousand desktops are told in slices, so that no call waits for them.
"""

import asyncio

import structlog
from pydantic import TypeAdapter

from cti_bridge.agents.port import AgentCommands
from cti_bridge.live.hub import Hub, encode_raw
from cti_bridge.live.messages import QUEUES
from switchroom.domain import events as ev
from switchroom.domain.ids import QueueName
from switchroom.domain.views import QueueView
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock

EVERY_S = 1.0
SLICE = 20
"""Desktops that are told before others have their turn."""
_VIEW = TypeAdapter(QueueView)
_MOVES = (
    *(
        ev.ContactQueued,
        ev.ContactAdopted,
        ev.ContactConnected,
        ev.ContactEnded,
        ev.OfferMade,
        ev.OfferFailed,
        ev.Reconciled,
    ),
    *(ev.PlaceChanged, ev.NobodyOnDuty, ev.DeskChanged, ev.AgentStateChanged),
)

log = structlog.get_logger(__name__)


class QueueFeed:
    """Collects changes and sends the queues that changed: to agents their own, to boards all."""

    def __init__(self, bus: Bus, clock: Clock, hub: Hub, desk: AgentCommands, *, every_s: float = EVERY_S) -> None:
        self._clock, self._hub, self._desk, self._every_s = clock, hub, desk, every_s
        self._changed = asyncio.Event()
        self._sent: dict[QueueName, bytes] = {}
        for kind in _MOVES:
            bus.subscribe(kind, lambda _: self._changed.set())

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._send()
            except Exception:
                log.exception("queue_feed.failed")
            await asyncio.sleep(self._every_s)

    async def _send(self) -> None:
        now = {queue.name: _VIEW.dump_json(queue) for queue in self._desk.queues()}
        changed = {name: text for name, text in now.items() if self._sent.get(name) != text}
        self._sent = now
        if not changed:
            return
        self._hub.tell_boards(self._message(changed, tuple(changed)))
        texts: dict[tuple[QueueName, ...], str] = {}
        for number, agent_id in enumerate(self._hub.agents, start=1):
            names = tuple(name for name in self._desk.queues_of(agent_id) if name in changed)
            if names:
                if names not in texts:
                    texts[names] = self._message(changed, names)
                self._hub.tell_agent(agent_id, texts[names])
            if number % SLICE == 0:
                await asyncio.sleep(0)

    def _message(self, changed: dict[QueueName, bytes], names: tuple[QueueName, ...]) -> str:
        queues = ",".join(changed[name].decode() for name in names)
        return encode_raw(QUEUES, self._clock.now(), f'{{"queues":[{queues}]}}')
