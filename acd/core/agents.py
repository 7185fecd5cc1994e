"""An agent's states and the moves between them, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from switchroom.domain.contact import VOICE
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ChannelName, ContactId, Extension, QueueName, TeamName

S = AgentState


class AgentMove(StrEnum):
    """What can happen to an agent."""

    READY = "ready"
    PAUSE = "pause"
    LOG_OUT = "log_out"
    RESERVE = "reserve"
    CONSULT = "consult"
    RELEASE = "release"
    RING_NO_ANSWER = "ring_no_answer"
    WRITE_UP_AGAIN = "write_up_again"
    CONNECT = "connect"
    FINISH = "finish"


_M = AgentMove

TRANSITIONS: Mapping[AgentState, Mapping[AgentMove, AgentState]] = {
    S.LOGGED_OUT: {
        _M.READY: S.AVAILABLE,
        _M.PAUSE: S.PAUSED,
        _M.LOG_OUT: S.LOGGED_OUT,
        _M.CONSULT: S.RESERVED,
    },
    S.AVAILABLE: {
        _M.READY: S.AVAILABLE,
        _M.PAUSE: S.PAUSED,
        _M.LOG_OUT: S.LOGGED_OUT,
        _M.RESERVE: S.RESERVED,
        _M.CONSULT: S.RESERVED,
    },
    S.RESERVED: {
        _M.RELEASE: S.AVAILABLE,
        _M.WRITE_UP_AGAIN: S.WRAP_UP,
        _M.RING_NO_ANSWER: S.PAUSED,
        _M.CONNECT: S.BUSY,
    },
    S.BUSY: {_M.CONNECT: S.BUSY, _M.FINISH: S.WRAP_UP},
    S.WRAP_UP: {
        _M.READY: S.AVAILABLE,
        _M.PAUSE: S.PAUSED,
        _M.LOG_OUT: S.LOGGED_OUT,
        _M.CONSULT: S.RESERVED,
    },
    S.PAUSED: {
        _M.READY: S.AVAILABLE,
        _M.PAUSE: S.PAUSED,
        _M.LOG_OUT: S.LOGGED_OUT,
        _M.CONSULT: S.RESERVED,
    },
}
"""What a person asks for while an offer waits or a talk goes on is not here: `Agent.requested` keeps it instead."""

REQUESTED_STATE: Mapping[AgentMove, AgentState] = {_M.PAUSE: S.PAUSED, _M.LOG_OUT: S.LOGGED_OUT}
"""Where a request leads that was kept."""


class WrapUp(NamedTuple):
    """The time for writing up a contact."""

    contact_id: ContactId | None
    queue: QueueName | None
    until: float


class IllegalMove(ValueError):
    """A move that the table does not have; the agent stays as they were."""


@dataclass(slots=True, kw_only=True, eq=False)
class Agent:
    """One agent. ``since`` is when the present state began; for AVAILABLE it is the time since which they are free.

    Changed by `acd.core.roster` alone.
    """

    id: AgentId
    name: str
    skills: Mapping[str, int]
    team: TeamName | None
    extension: Extension | None
    """The phone where they sit; None for an agent whose desk somebody else has taken."""
    since: float
    state: AgentState = S.LOGGED_OUT
    reason: str | None = None
    until: float | None = None
    contact_id: ContactId | None = None
    queue: QueueName | None = None
    """Where the present contact waited."""
    channel: ChannelName = VOICE
    """Of the present contact, once they serve it."""
    requested: tuple[AgentMove, str | None] | None = None
    """What was asked for during the contact, with its pause reason: carried out after it."""
    asked: bool = False
    """They are reserved for another agent's question, which has not reached the softswitch yet."""
    interrupted: WrapUp | None = None
    """The wrap-up out of which another agent's question called them: it goes on if nothing comes of the question."""
    phone_registered: bool = False
    counted_free: bool = False
    """Whether the line counts them as free, and as on duty: kept by `acd.core.waiting`."""
    counted_on_duty: bool = False

    @property
    def eligible(self) -> bool:
        """Free, with a phone that can ring."""
        return self.state is S.AVAILABLE and self.phone_registered

    @property
    def on_duty(self) -> bool:
        """Logged in, in any state."""
        return self.state is not S.LOGGED_OUT


def after(state: AgentState, what: AgentMove) -> AgentState:
    """The state after ``what``; IllegalMove if the table has no such move.

    >>> after(AgentState.LOGGED_OUT, AgentMove.READY)
    <AgentState.AVAILABLE: 'available'>
    """
    target = TRANSITIONS[state].get(what)
    if target is None:
        raise IllegalMove(f"an agent who is {state} cannot {what}")
    return target
