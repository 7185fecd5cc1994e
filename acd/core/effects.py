"""What the core asks for, or says: carried out in order by `acd.service`. Times are seconds."""

from typing import NamedTuple

from acd.core.agents import AgentMove
from acd.core.line import QueueEntry
from acd.core.offers import Offer, OfferState
from switchroom.domain.contact import Requirements
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName


class AgentChanged(NamedTuple):
    """An agent as they are now."""

    agent_id: AgentId
    state: AgentState
    since: float
    reason: str | None
    contact_id: ContactId | None
    until: float | None
    queue: QueueName | None
    requested: tuple[AgentMove, str | None] | None


class DeskChanged(NamedTuple):
    """An agent sits at another phone (None: at none), or the phone there registered or went away."""

    agent_id: AgentId
    extension: Extension | None
    phone_registered: bool


class Reserve(NamedTuple):
    """This agent for this contact. Ask the other servers; `OfferConfirmed` or `OfferContested` is to follow."""

    offer: Offer


class Deliver(NamedTuple):
    """Bring the offer to its agent; `OfferDelivered` is to follow."""

    offer: Offer
    extension: Extension


class OfferEnded(NamedTuple):
    """The offer is over; ``unheard`` when nothing was heard of it within its time."""

    offer: Offer
    state: OfferState
    unheard: bool = False


class LineJoined(NamedTuple):
    entry: QueueEntry


class LineLeft(NamedTuple):
    contact_id: ContactId


class LineAligned(NamedTuple):
    """The line is as it must be after a reconciliation."""


class Unserved(NamedTuple):
    """Nobody on duty may serve the contact; at ``until`` it goes to the fallback queue."""

    contact_id: ContactId
    queue: QueueName
    until: float


class Overflowed(NamedTuple):
    """Nobody on duty could serve the contact for so long: it waits in the fallback queue now."""

    contact_id: ContactId
    requirements: Requirements
    enqueued_at: float


Effect = (
    AgentChanged
    | DeskChanged
    | Reserve
    | Deliver
    | OfferEnded
    | LineJoined
    | LineLeft
    | LineAligned
    | Unserved
    | Overflowed
)
