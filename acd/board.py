"""Agents and queues as boards and desktops show them."""

from collections.abc import Iterable

from acd.agents import Agent
from acd.config import AcdConfig
from acd.policy import meets
from acd.routing import QueueEntry
from switchroom.domain.events import AgentState
from switchroom.domain.ids import QueueName
from switchroom.domain.views import AgentView, QueueView, WaitingView


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
    """Every queue with its line, first to be served first."""
    lines: dict[QueueName, list[QueueEntry]] = {name: [] for name in config.queues}
    for entry in sorted(entries, key=lambda e: (e.key, e.waiting.enqueued_at, e.call_id)):
        lines[entry.waiting.requirements.queue].append(entry)
    agents = tuple(agents)
    found = []
    for name, line in lines.items():
        queue = config.queues[name]
        able = [agent for agent in agents if meets(queue.skills, agent.skills)]
        found.append(
            QueueView(
                name=name,
                title=dict(queue.title),
                waiting=tuple(
                    WaitingView(
                        call_id=entry.call_id,
                        tier=entry.waiting.requirements.tier,
                        enqueued_at=entry.waiting.enqueued_at,
                    )
                    for entry in line
                ),
                agents_available=sum(agent.eligible for agent in able),
                agents_logged_in=sum(agent.state is not AgentState.LOGGED_OUT for agent in able),
            )
        )
    return found
