"""A leg: one party's line in a call, its states, and the moves between them as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from switchroom.domain.ids import AgentId, LegId


class Party(StrEnum):
    """Who is at the other end of a leg."""

    CALLER = "caller"
    AGENT = "agent"
    EXPERT = "expert"
    SUPERVISOR = "supervisor"


class LegState(StrEnum):
    DIALLING = "dialling"
    RINGING = "ringing"
    UP = "up"
    HELD = "held"
    GONE = "gone"


class LegMove(StrEnum):
    """What can happen to a leg."""

    RANG = "rang"
    ANSWERED = "answered"
    HELD = "held"
    RESUMED = "resumed"
    LEFT = "left"


class IllegalLegMove(ValueError):
    """A move that the table does not have; the leg stays as it was."""


_S, _M = LegState, LegMove

TRANSITIONS: Mapping[LegState, Mapping[LegMove, LegState]] = {
    # A phone may answer at once, without a word that it rings (RFC 3261, 13.3.1).
    _S.DIALLING: {_M.RANG: _S.RINGING, _M.ANSWERED: _S.UP, _M.LEFT: _S.GONE},
    _S.RINGING: {_M.RANG: _S.RINGING, _M.ANSWERED: _S.UP, _M.LEFT: _S.GONE},
    # Told again, or late: the ring of a phone that has answered since.
    _S.UP: {_M.RANG: _S.UP, _M.ANSWERED: _S.UP, _M.HELD: _S.HELD, _M.RESUMED: _S.UP, _M.LEFT: _S.GONE},
    _S.HELD: {_M.HELD: _S.HELD, _M.RESUMED: _S.UP, _M.LEFT: _S.GONE},
    _S.GONE: dict.fromkeys(_M, _S.GONE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One party's line. ``since`` is when the present state began, ``up_at`` when it was answered."""

    id: LegId
    party: Party
    since: datetime
    state: LegState = LegState.DIALLING
    agent_id: AgentId | None = None
    up_at: datetime | None = None

    def as_party(self, party: Party) -> "Leg":
        """The same line, in another role."""
        return replace(self, party=party)


def move(leg: Leg, what: LegMove, at: datetime) -> Leg:
    """The leg after ``what``; `IllegalLegMove` if the table has no such move.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> leg = move(Leg(id=LegId("o1"), party=Party.AGENT, since=noon), LegMove.ANSWERED, noon)
    >>> (leg.state, leg.up_at == noon)
    (<LegState.UP: 'up'>, True)
    >>> move(Leg(id=LegId("o1"), party=Party.AGENT, since=noon), LegMove.HELD, noon)
    Traceback (most recent call last):
    switchroom.domain.leg.IllegalLegMove: a leg that is dialling cannot be held
    """
    after = TRANSITIONS[leg.state].get(what)
    if after is None:
        raise IllegalLegMove(f"a leg that is {leg.state} cannot be {what}")
    if after is leg.state:
        return leg
    return replace(leg, state=after, since=at, up_at=leg.up_at or (at if what is LegMove.ANSWERED else None))
