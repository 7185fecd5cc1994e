"""A call's states and the moves between them, as a table.

Telephony tells things late, twice or out of order: such repeats are listed as ignored; any other move that
is not in the table raises `IllegalTransition` and leaves the state unchanged.
"""

from collections.abc import Mapping
from enum import StrEnum


class CallState(StrEnum):
    ENTERED = "entered"
    IN_MENU = "in_menu"
    QUEUED = "queued"
    OFFERED = "offered"
    CONNECTED = "connected"
    HELD = "held"
    CONSULTING = "consulting"
    CONFERENCE = "conference"
    ENDED = "ended"


TALKING = frozenset({CallState.CONNECTED, CallState.HELD, CallState.CONSULTING, CallState.CONFERENCE})
"""An agent has the caller, though in HELD and CONSULTING the caller hears music."""


class Move(StrEnum):
    """What can happen to a call, as far as its state is concerned."""

    MENU_STARTED = "menu_started"
    QUEUED = "queued"
    OFFERED = "offered"
    OFFER_FAILED = "offer_failed"
    ANSWERED = "answered"
    HELD = "held"
    CONSULT_BEGAN = "consult_began"
    TALK_RESUMED = "talk_resumed"
    CONFERENCE_BEGAN = "conference_began"
    BACK_IN_LINE = "back_in_line"
    ENDED = "ended"


class IllegalTransition(ValueError):
    """A move that the table does not have; the call stays as it was."""


_S, _M = CallState, Move

TRANSITIONS: Mapping[CallState, Mapping[Move, CallState]] = {
    # Queued straight from ENTERED: the dialplan's fallback when no menu could be reached.
    _S.ENTERED: {_M.MENU_STARTED: _S.IN_MENU, _M.QUEUED: _S.QUEUED, _M.ENDED: _S.ENDED},
    # A menu starts again when its media connection was lost and the dialplan came back.
    _S.IN_MENU: {_M.MENU_STARTED: _S.IN_MENU, _M.QUEUED: _S.QUEUED, _M.ENDED: _S.ENDED},
    # Answered while queued: an offer that was given up here, but had gone through in the softswitch.
    _S.QUEUED: {_M.OFFERED: _S.OFFERED, _M.ANSWERED: _S.CONNECTED, _M.ENDED: _S.ENDED},
    _S.OFFERED: {_M.OFFER_FAILED: _S.QUEUED, _M.ANSWERED: _S.CONNECTED, _M.ENDED: _S.ENDED},
    # Back in line: a transfer to a queue, or an agent whose phone is gone while the caller hears music.
    _S.CONNECTED: {
        _M.HELD: _S.HELD,
        _M.CONSULT_BEGAN: _S.CONSULTING,
        _M.BACK_IN_LINE: _S.QUEUED,
        _M.ENDED: _S.ENDED,
    },
    _S.HELD: {
        _M.CONSULT_BEGAN: _S.CONSULTING,
        _M.TALK_RESUMED: _S.CONNECTED,
        _M.BACK_IN_LINE: _S.QUEUED,
        _M.ENDED: _S.ENDED,
    },
    # Resumed with the agent who asked, or with the one who was asked and takes the caller over.
    _S.CONSULTING: {
        _M.TALK_RESUMED: _S.CONNECTED,
        _M.CONFERENCE_BEGAN: _S.CONFERENCE,
        _M.BACK_IN_LINE: _S.QUEUED,
        _M.ENDED: _S.ENDED,
    },
    # One of the two agents leaves: the caller talks on with the other.
    _S.CONFERENCE: {_M.TALK_RESUMED: _S.CONNECTED, _M.ENDED: _S.ENDED},
    _S.ENDED: {},
}

IGNORED: frozenset[tuple[CallState, Move]] = frozenset(
    {
        (_S.QUEUED, _M.QUEUED),
        (_S.QUEUED, _M.OFFER_FAILED),
        *((state, _M.ANSWERED) for state in TALKING),
        (_S.CONNECTED, _M.TALK_RESUMED),
        (_S.HELD, _M.HELD),
        (_S.CONSULTING, _M.CONSULT_BEGAN),
        (_S.CONFERENCE, _M.CONFERENCE_BEGAN),
        *((_S.ENDED, move) for move in Move),
    }
)


def after(state: CallState, move: Move) -> CallState:
    """The state that ``move`` leads to; the same state for a move that is ignored there.

    >>> after(CallState.QUEUED, Move.OFFERED)
    <CallState.OFFERED: 'offered'>
    >>> after(CallState.ENDED, Move.ANSWERED)
    <CallState.ENDED: 'ended'>
    """
    if (state, move) in IGNORED:
        return state
    try:
        return TRANSITIONS[state][move]
    except KeyError:
        raise IllegalTransition(f"a call that is {state} cannot be {move}") from None
