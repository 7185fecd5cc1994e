"""An offer: one agent reserved for one contact, for a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from acd.routing import QueueEntry
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, OfferId


class OfferState(StrEnum):
    """How an offer ended that no agent took up."""

    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    REVOKED = "revoked"


OUTCOMES: Mapping[OfferFailure, OfferState] = {
    OfferFailure.NO_ANSWER: OfferState.TIMED_OUT,
    OfferFailure.BUSY: OfferState.REJECTED,
    OfferFailure.UNREACHABLE: OfferState.REJECTED,
    OfferFailure.CALLER_LEFT: OfferState.REVOKED,
    OfferFailure.SWITCH_FAILED: OfferState.REVOKED,
}

BLAMED: frozenset[OfferState] = frozenset({OfferState.TIMED_OUT, OfferState.REJECTED})
"""After these the agent is paused: their phone did not bring the call to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The reservation. ``token`` is the store's; None until it has reserved, or while it is out of reach."""

    id: OfferId
    agent_id: AgentId
    entry: QueueEntry
    made_at: datetime
    token: int | None = None

    @property
    def contact_id(self) -> ContactId:
        return self.entry.contact_id
