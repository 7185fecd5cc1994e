"""What boards show of queues: counted as things happen, so that a look costs nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from acd.core.heap import LazyHeap
from acd.core.line import QueueEntry
from acd.core.parameters import Parameters
from switchroom.domain.ids import AgentId, ContactId, QueueName

Came = tuple[float, ContactId]


class Board:
    """How many wait in each queue and since when, how many agents are free and on duty for it."""

    def __init__(self, parameters: Parameters, able: Callable[[Mapping[str, int], Mapping[str, int]], bool]) -> None:
        self.queues_of: Mapping[AgentId, tuple[QueueName, ...]] = {
            agent_id: tuple(name for name, queue in parameters.queues.items() if able(queue.skills, agent.skills))
            for agent_id, agent in parameters.agents.items()
        }
        """The queues that an agent's skills open to them."""
        self._waiting: dict[ContactId, tuple[Came, QueueName]] = {}
        self._came: dict[QueueName, LazyHeap[Came]] = {
            name: LazyHeap(partial(self._waits_in, name)) for name in parameters.queues
        }
        self.waiting: Counter[QueueName] = Counter()
        """How many wait, those included who are offered."""
        self.free: Counter[QueueName] = Counter()
        self.on_duty: Counter[QueueName] = Counter()

    def joined(self, entry: QueueEntry) -> None:
        """The contact waits; one that waits already waits there now instead."""
        self.left(entry.contact_id)
        queue = entry.requirements.queue
        came = (entry.enqueued_at, entry.contact_id)
        self._waiting[entry.contact_id] = (came, queue)
        self.waiting[queue] += 1
        self._came[queue].push(came, self.waiting[queue])

    def left(self, contact_id: ContactId) -> None:
        known = self._waiting.pop(contact_id, None)
        if known is not None:
            self.waiting[known[1]] -= 1

    def agent_free(self, agent_id: AgentId, change: int) -> None:
        """``change`` is 1 when the agent became free, -1 when they ceased to be."""
        for queue in self.queues_of[agent_id]:
            self.free[queue] += change

    def agent_on_duty(self, agent_id: AgentId, change: int) -> None:
        """As `agent_free`."""
        for queue in self.queues_of[agent_id]:
            self.on_duty[queue] += change

    def oldest(self, queue: QueueName) -> float | None:
        """Since when the one who came first waits there."""
        first = self._came[queue].first()
        return None if first is None else first[0]

    def _waits_in(self, queue: QueueName, came: Came) -> bool:
        return self._waiting.get(came[1]) == (came, queue)
