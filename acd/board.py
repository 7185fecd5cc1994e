"""Agents and queues as boards and desktops show them: counted as things happen, so that a look costs nothing."""

import heapq
from collections import Counter, defaultdict
from datetime import datetime

from acd.agents import Agent
from acd.config import AcdConfig
from acd.policy import meets
from acd.routing import QueueEntry
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.domain.views import AgentView, QueueView


class Board:
    """How many wait in each queue and since when, how many agents are free and on duty for it."""

    def __init__(self, config: AcdConfig) -> None:
        self._config = config
        self._queues_of = {
            agent_id: tuple(name for name, queue in config.queues.items() if meets(queue.skills, agent.skills))
            for agent_id, agent in config.agents.items()
        }
        self._waiting: dict[ContactId, QueueEntry] = {}
        self._lengths: Counter[QueueName] = Counter()
        self._came: defaultdict[QueueName, list[tuple[datetime, ContactId]]] = defaultdict(list)
        """Heaps; who waits there no more stays in until they surface."""
        self._agents: dict[AgentId, Agent] = {}
        self._free: Counter[QueueName] = Counter()
        self._on_duty: Counter[QueueName] = Counter()

    def joined(self, entry: QueueEntry) -> None:
        """The contact waits; one that waits already waits there now instead."""
        self.left(entry.contact_id)
        queue = entry.waiting.requirements.queue
        self._waiting[entry.contact_id] = entry
        self._lengths[queue] += 1
        heapq.heappush(self._came[queue], (entry.waiting.enqueued_at, entry.contact_id))

    def left(self, contact_id: ContactId) -> None:
        entry = self._waiting.pop(contact_id, None)
        if entry is not None:
            self._lengths[entry.waiting.requirements.queue] -= 1

    def agent_changed(self, agent: Agent) -> None:
        before = self._agents.get(agent.id)
        self._agents[agent.id] = agent
        for queue in self._queues_of.get(agent.id, ()):
            self._free[queue] += agent.eligible - (before is not None and before.eligible)
            self._on_duty[queue] += _on_duty(agent) - (before is not None and _on_duty(before))

    def queues_of(self, agent_id: AgentId) -> tuple[QueueName, ...]:
        """The queues that the agent's skills open to them."""
        return self._queues_of.get(agent_id, ())

    def agent(self, agent: Agent) -> AgentView:
        return AgentView(
            id=agent.id,
            name=agent.name,
            state=agent.state,
            reason=agent.reason,
            since=agent.since,
            until=agent.until,
            contact_id=agent.contact_id,
            skills=dict(agent.skills),
            queues=self.queues_of(agent.id),
            phone_registered=agent.phone_registered,
        )

    def queues(self, unserved: Counter[QueueName]) -> list[QueueView]:
        return [
            QueueView(
                name=name,
                title=dict(queue.title),
                waiting=self._lengths[name],
                oldest=self._oldest(name),
                unserved=unserved[name],
                agents_available=self._free[name],
                agents_logged_in=self._on_duty[name],
            )
            for name, queue in self._config.queues.items()
        ]

    def _oldest(self, queue: QueueName) -> datetime | None:
        heap = self._came[queue]
        while heap:
            came, contact_id = heap[0]
            entry = self._waiting.get(contact_id)
            if entry is not None and (entry.waiting.requirements.queue, entry.waiting.enqueued_at) == (queue, came):
                return came
            heapq.heappop(heap)
        return None


def _on_duty(agent: Agent) -> bool:
    return agent.state is not AgentState.LOGGED_OUT
