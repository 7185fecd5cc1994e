"""Agents and queues as boards and desktops show them."""

from collections.abc import Iterable
from datetime import datetime

from acd.agents import Agent
from acd.config import AcdConfig
from acd.policy import meets
from acd.routing import QueueEntry
from switchroom.domain.events import AgentState
from switchroom.domain.ids import QueueName
from switchroom.domain.views import AgentView, QueueView


def view(config: AcdConfig, agent: Agent) -> AgentView:
    """One agent, with the queues that their skills open to them."""
    return AgentView(
        id=agent.id,
        name=agent.name,
        state=agent.state,
        reason=agent.reason,
        since=agent.since,
        until=agent.until,
        call_id=agent.call_id,
        skills=dict(agent.skills),
        queues=tuple(name for name, queue in config.queues.items() if meets(queue.skills, agent.skills)),
        phone_registered=agent.phone_registered,
    )


def agent_views(config: AcdConfig, agents: Iterable[Agent]) -> list[AgentView]:
    return [view(config, agent) for agent in agents]


def queue_views(config: AcdConfig, agents: Iterable[Agent], entries: Iterable[QueueEntry]) -> list[QueueView]:
    """Every queue, with the length of its line and the time since which its longest waiting contact waits."""
    came: dict[QueueName, list[datetime]] = {name: [] for name in config.queues}
    for entry in entries:
        came[entry.waiting.requirements.queue].append(entry.waiting.enqueued_at)
    agents = tuple(agents)
    found = []
    for name, line in came.items():
        queue = config.queues[name]
        able = [agent for agent in agents if meets(queue.skills, agent.skills)]
        found.append(
            QueueView(
                name=name,
                title=dict(queue.title),
                waiting=len(line),
                oldest=min(line, default=None),
                agents_available=sum(agent.eligible for agent in able),
                agents_logged_in=sum(agent.state is not AgentState.LOGGED_OUT for agent in able),
            )
        )
    return found
