"""What happens to contacts, offers and agents, for the core. Times are seconds; tuples, because they are many."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from acd.core.agents import AgentMove
from switchroom.domain.contact import VOICE, Requirements
from switchroom.domain.events import AgentState, OfferFailure
from switchroom.domain.ids import AgentId, ChannelName, ContactId, Extension, OfferId, QueueName


class ContactJoined(NamedTuple):
    """A contact waits since ``enqueued_at``; repeating it changes nothing."""

    contact_id: ContactId
    requirements: Requirements
    enqueued_at: float


class RequirementsChanged(NamedTuple):
    """A waiting contact requires something else; it keeps its ``enqueued_at``."""

    contact_id: ContactId
    requirements: Requirements


class ContactLeft(NamedTuple):
    """The contact is over, since ``at``."""

    contact_id: ContactId
    at: float


class TalkEnded(NamedTuple):
    """Agent and customer talk no more, since ``at``; the contact may go on."""

    contact_id: ContactId
    agent_id: AgentId
    at: float


class ConsultRequested(NamedTuple):
    """The agent is to be asked about the contact: the softswitch is asked next. Raises UnknownAgent, or Refused if they
    cannot be had."""

    contact_id: ContactId
    agent_id: AgentId


class ConsultRefused(NamedTuple):
    """Nothing comes of the request."""

    contact_id: ContactId
    agent_id: AgentId


class ConsultBegan(NamedTuple):
    """The agent's phone is called, for another agent's question about the contact."""

    contact_id: ContactId
    agent_id: AgentId


class ConsultAnswered(NamedTuple):
    """The agent who is consulted has answered, at ``at``."""

    contact_id: ContactId
    agent_id: AgentId
    at: float


class ConsultOver(NamedTuple):
    """The agent is consulted no more, since ``at``, and does not have the contact."""

    contact_id: ContactId
    agent_id: AgentId
    at: float


class OfferConfirmed(NamedTuple):
    """No other server holds the agent or the contact: the offer may go out."""

    contact_id: ContactId
    offer_id: OfferId


class OfferContested(NamedTuple):
    """Another server holds the agent or the contact."""

    contact_id: ContactId
    offer_id: OfferId


class OfferDelivered(NamedTuple):
    """The agent's phone (or desktop) was asked to ring."""

    contact_id: ContactId
    offer_id: OfferId


class OfferAccepted(NamedTuple):
    """Agent and customer talk, since ``at``."""

    contact_id: ContactId
    agent_id: AgentId
    at: float


class OfferFailed(NamedTuple):
    """The agent did not take the contact."""

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId
    failure: OfferFailure


class OfferFound(NamedTuple):
    """After a restart: an offer that waits for its agent's answer. ``offer_id`` is None where it was not kept."""

    contact_id: ContactId
    offer_id: OfferId | None
    agent_id: AgentId
    requirements: Requirements
    enqueued_at: float


class TalkFound(NamedTuple):
    """After a restart: an agent who talks, since ``since``."""

    contact_id: ContactId
    agent_id: AgentId
    queue: QueueName | None
    since: float


class StateRequested(NamedTuple):
    """READY, PAUSE or LOG_OUT, as a person asks. Raises UnknownAgent."""

    agent_id: AgentId
    what: AgentMove
    reason: str | None = None


class RequestWithdrawn(NamedTuple):
    """Exactly this request is taken back, if it still waits for the end of a contact."""

    agent_id: AgentId
    what: AgentMove
    reason: str | None


class PhoneChanged(NamedTuple):
    extension: Extension
    registered: bool


class DeskTaken(NamedTuple):
    """An agent sits at this phone from now on: who sat there is logged out of it. Raises UnknownAgent."""

    agent_id: AgentId
    extension: Extension


class KnownAgent(NamedTuple):
    """An agent's state before a restart."""

    agent_id: AgentId
    state: AgentState
    since: float
    reason: str | None = None
    contact_id: ContactId | None = None
    until: float | None = None
    queue: QueueName | None = None
    requested: tuple[AgentMove, str | None] | None = None


class AgentsRestored(NamedTuple):
    """Their last states, and the phones where they sat last; others sit at their own, unless that is taken."""

    agents: Sequence[KnownAgent]
    desks: Mapping[AgentId, Extension] = MappingProxyType({})


class SwitchLost(NamedTuple):
    """Nothing can be delivered until `Reconciled`."""


class Reconciled(NamedTuple):
    """The channel's contacts that are not in ``live`` are over; agents who are in ``talking`` serve that contact or are
    consulted about it, the others serve none of the channel."""

    live: frozenset[ContactId]
    talking: Mapping[AgentId, ContactId]
    channel: ChannelName = VOICE


class TimePassed(NamedTuple):
    """What is due is to be done."""


Event = (
    ContactJoined
    | RequirementsChanged
    | ContactLeft
    | TalkEnded
    | ConsultRequested
    | ConsultRefused
    | ConsultBegan
    | ConsultAnswered
    | ConsultOver
    | OfferConfirmed
    | OfferContested
    | OfferDelivered
    | OfferAccepted
    | OfferFailed
    | OfferFound
    | TalkFound
    | StateRequested
    | RequestWithdrawn
    | PhoneChanged
    | DeskTaken
    | AgentsRestored
    | SwitchLost
    | Reconciled
    | TimePassed
)
