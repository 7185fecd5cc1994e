"""The life of an offer: one agent reserved for one contact, for a time. Its states and moves, as a table.

RESERVED: the agent is taken out of the line of agents, the contact out of the line of contacts. DELIVERED: the
record has been shown and the agent's phone (or desktop) asked to ring. The rest are endings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from acd.core.line import QueueEntry
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, OfferId


class OfferState(StrEnum):
    RESERVED = "reserved"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    REVOKED = "revoked"


class OfferMove(StrEnum):
    """What can happen to an offer."""

    DELIVER = "deliver"
    ACCEPT = "accept"
    DECLINE = "decline"
    TIME_OUT = "time_out"
    REVOKE = "revoke"


_ENDINGS: Mapping[OfferMove, OfferState] = {
    OfferMove.ACCEPT: OfferState.ACCEPTED,
    OfferMove.DECLINE: OfferState.DECLINED,
    OfferMove.TIME_OUT: OfferState.TIMED_OUT,
    OfferMove.REVOKE: OfferState.REVOKED,
}

OFFER_TRANSITIONS: Mapping[OfferState, Mapping[OfferMove, OfferState]] = {
    OfferState.RESERVED: {OfferMove.DELIVER: OfferState.DELIVERED, **_ENDINGS},
    OfferState.DELIVERED: _ENDINGS,
    OfferState.ACCEPTED: {},
    OfferState.DECLINED: {},
    OfferState.TIMED_OUT: {},
    OfferState.REVOKED: {},
}
"""An answer may be heard before the word that the phone rings: RESERVED ends like DELIVERED."""

FAILURES: Mapping[OfferFailure, OfferMove] = {
    OfferFailure.NO_ANSWER: OfferMove.TIME_OUT,
    OfferFailure.BUSY: OfferMove.DECLINE,
    OfferFailure.UNREACHABLE: OfferMove.DECLINE,
    OfferFailure.CALLER_LEFT: OfferMove.REVOKE,
    OfferFailure.SWITCH_FAILED: OfferMove.REVOKE,
}
"""What a failure that was reported means for the offer."""

BLAMED: frozenset[OfferFailure] = frozenset({OfferFailure.NO_ANSWER, OfferFailure.BUSY, OfferFailure.UNREACHABLE})
"""After these the agent is paused: the offer did not reach a person who takes it."""


class IllegalOfferMove(ValueError):
    """A move that the table does not have; the offer stays as it was."""


@dataclass(slots=True, kw_only=True, eq=False)
class Offer:
    """The reservation. Changed by `acd.core.core` alone."""

    id: OfferId
    agent_id: AgentId
    entry: QueueEntry
    timeout_s: float
    """How long the agent has to take it, once it is delivered."""
    state: OfferState = OfferState.RESERVED
    id_is_ours: bool = False
    """The offer was found in the softswitch without its id: what is said of it is known by the agent."""
    withdrawn: bool = False
    """It could not be delivered, or another server holds one of the two: it ends when it is due."""

    @property
    def contact_id(self) -> ContactId:
        return self.entry.contact_id

    @property
    def is_ringing(self) -> bool:
        """Its agent was asked."""
        return self.state is OfferState.DELIVERED

    def is_meant(self, offer_id: OfferId, agent_id: AgentId) -> bool:
        """Whether a word about ``offer_id`` to this agent is about this offer."""
        return self.id == offer_id or (self.id_is_ours and self.agent_id == agent_id)

    def delivered(self) -> None:
        """Its agent was asked, as may have been found already."""
        if not self.is_ringing:
            self.move(OfferMove.DELIVER)

    def move(self, what: OfferMove) -> None:
        """IllegalOfferMove if the table has no such move."""
        target = OFFER_TRANSITIONS[self.state].get(what)
        if target is None:
            raise IllegalOfferMove(f"an offer that is {self.state} cannot {what}")
        self.state = target
