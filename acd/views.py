"""Agents and queues as boards and desktops are shown them."""

from acd.config import AcdConfig
from acd.core.agents import Agent
from acd.core.core import Core
from acd.translate import at
from switchroom.domain.views import AgentView, QueueView


def agent_view(agent: Agent, core: Core) -> AgentView:
    return AgentView(
        id=agent.id,
        name=agent.name,
        state=agent.state,
        reason=agent.reason,
        since=at(agent.since),
        until=None if agent.until is None else at(agent.until),
        contact_id=agent.contact_id,
        skills=dict(agent.skills),
        queues=core.board.queues_of[agent.id],
        phone_registered=agent.phone_registered,
        team=agent.team,
        extension=agent.extension,
    )


def queue_views(config: AcdConfig, core: Core) -> list[QueueView]:
    board = core.board
    views = []
    for name, queue in config.queues.items():
        oldest = board.oldest(name)
        views.append(
            QueueView(
                name=name,
                title=dict(queue.title),
                waiting=board.waiting[name],
                oldest=None if oldest is None else at(oldest),
                unserved=core.unserved[name],
                agents_available=board.free[name],
                agents_logged_in=board.on_duty[name],
            )
        )
    return views
