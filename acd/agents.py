"""An agent's states and the moves between them, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName

S = AgentState


class AgentMove(StrEnum):
    """What can happen to an agent."""

    READY = "ready"
    PAUSE = "pause"
    LOG_OUT = "log_out"
    RESERVE = "reserve"
    RELEASE = "release"
    MISS = "miss"
    CONNECT = "connect"
    FINISH = "finish"


_M = AgentMove

TRANSITIONS: Mapping[AgentState, Mapping[AgentMove, AgentState]] = {
    S.LOGGED_OUT: {_M.READY: S.AVAILABLE, _M.PAUSE: S.PAUSED, _M.LOG_OUT: S.LOGGED_OUT},
    S.AVAILABLE: {
        _M.READY: S.AVAILABLE,
        _M.PAUSE: S.PAUSED,
        _M.LOG_OUT: S.LOGGED_OUT,
        _M.RESERVE: S.RESERVED,
    },
    S.RESERVED: {_M.RELEASE: S.AVAILABLE, _M.MISS: S.PAUSED, _M.CONNECT: S.BUSY},
    S.BUSY: {_M.CONNECT: S.BUSY, _M.FINISH: S.WRAP_UP},
    S.WRAP_UP: {_M.READY: S.AVAILABLE, _M.PAUSE: S.PAUSED, _M.LOG_OUT: S.LOGGED_OUT},
    S.PAUSED: {_M.READY: S.AVAILABLE, _M.PAUSE: S.PAUSED, _M.LOG_OUT: S.LOGGED_OUT},
}
"""What a person asks for while a call rings or is on is not here: `Agent.requested` remembers it instead."""

DEFERRED: frozenset[AgentMove] = frozenset({_M.READY, _M.PAUSE, _M.LOG_OUT})
"""Requests that wait until the call is over when they come during RESERVED or BUSY."""

REQUESTED_STATE: Mapping[AgentMove, AgentState] = {_M.PAUSE: S.PAUSED, _M.LOG_OUT: S.LOGGED_OUT}
"""Where a deferred request leads."""


class IllegalMove(ValueError):
    """A move that the table does not have; the agent stays as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent. ``since`` is when the present state began; for AVAILABLE it is the time since which they are idle."""

    id: AgentId
    extension: Extension
    """The phone where they sit."""
    name: str
    skills: Mapping[str, int]
    since: datetime
    state: AgentState = S.LOGGED_OUT
    reason: str | None = None
    until: datetime | None = None
    contact_id: ContactId | None = None
    queue: QueueName | None = None
    """Where the present call waited."""
    requested: tuple[AgentMove, str | None] | None = None
    """What was asked for during the call, with its pause reason: carried out after it."""
    phone_registered: bool = False

    @property
    def eligible(self) -> bool:
        """Free, with a phone that can ring."""
        return self.state is S.AVAILABLE and self.phone_registered


def move(agent: Agent, what: AgentMove, now: datetime, *, reason: str | None = None) -> Agent:
    """The agent after ``what``; IllegalMove if the table has no such move.

    >>> from datetime import UTC
    >>> monday = datetime(2026, 1, 5, tzinfo=UTC)
    >>> ann = Agent(id=AgentId("1001"), extension=Extension("1001"), name="Ann", skills={}, since=monday)
    >>> move(ann, AgentMove.READY, datetime(2026, 1, 6, tzinfo=UTC)).state
    <AgentState.AVAILABLE: 'available'>
    """
    if what in DEFERRED and agent.state in (S.RESERVED, S.BUSY):
        return replace(agent, requested=None if what is _M.READY else (what, reason))
    target = TRANSITIONS[agent.state].get(what)
    if target is None:
        raise IllegalMove(f"agent {agent.id} is {agent.state} and cannot {what}")
    if target is agent.state and reason == agent.reason:
        return agent
    engaged = target in (S.RESERVED, S.BUSY, S.WRAP_UP)
    return replace(
        agent,
        state=target,
        since=now,
        reason=reason,
        until=None,
        contact_id=agent.contact_id if engaged else None,
        queue=agent.queue if engaged else None,
        requested=agent.requested if what not in DEFERRED else None,
    )
