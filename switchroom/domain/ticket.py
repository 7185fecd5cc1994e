"""A ticket's states and the moves between them, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from switchroom.domain.ids import AgentId, ContactId, CustomerId, TicketId


class TicketState(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    CLOSED = "closed"


class IllegalTicketMove(ValueError):
    """A move that the table does not have; the ticket stays as it was."""


_S = TicketState

TRANSITIONS: Mapping[TicketState, frozenset[TicketState]] = {
    _S.OPEN: frozenset({_S.OPEN, _S.PENDING, _S.CLOSED}),
    _S.PENDING: frozenset({_S.OPEN, _S.PENDING, _S.CLOSED}),
    # What was closed stays closed: a further call opens a ticket of its own.
    _S.CLOSED: frozenset(),
}


def check_move(state: TicketState, to: TicketState) -> None:
    """Raise `IllegalTicketMove` unless the table has the move.

    >>> check_move(TicketState.OPEN, TicketState.CLOSED)
    >>> check_move(TicketState.CLOSED, TicketState.OPEN)
    Traceback (most recent call last):
    switchroom.domain.ticket.IllegalTicketMove: a ticket that is closed cannot become open
    """
    if to not in TRANSITIONS[state]:
        raise IllegalTicketMove(f"a ticket that is {state} cannot become {to}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A case. A contact that reaches an agent has one; a further contact may join it while it is open.

    ``contact_id`` is the contact for which it was opened, ``disposition`` what came of it.
    """

    id: TicketId
    contact_id: ContactId
    subject: str
    state: TicketState
    created_at: datetime
    agent_id: AgentId | None = None
    customer_id: CustomerId | None = None
    disposition: str | None = None
    note: str = ""
    closed_at: datetime | None = None
