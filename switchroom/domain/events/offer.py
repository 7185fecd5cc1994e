"""The life of an offer: one agent reserved for one contact. Each event names the offer."""

from dataclasses import dataclass
from enum import StrEnum

from switchroom.domain.contact import VOICE
from switchroom.domain.events.contact import ContactEvent
from switchroom.domain.ids import AgentId, ChannelName, Extension, OfferId, QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMade(ContactEvent):
    """An agent is reserved for the call; the pop goes out now, then the phone rings."""

    offer_id: OfferId
    agent_id: AgentId
    extension: Extension
    """The phone that is to ring."""
    queue: QueueName
    ring_timeout_s: int
    head_start_s: float = 0.0
    """By how much the customer's tier let the contact come before others."""
    channel: ChannelName = VOICE


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPopSent(ContactEvent):
    """The customer's record was delivered to the agent's desktop(s); ``screens`` counts them."""

    offer_id: OfferId
    agent_id: AgentId
    screens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPopShown(ContactEvent):
    """The desktop reported that the record is drawn on the agent's screen."""

    offer_id: OfferId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRang(ContactEvent):
    """The agent's phone said 180 Ringing."""

    offer_id: OfferId
    agent_id: AgentId


class OfferFailure(StrEnum):
    """Why an offer came to nothing."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_LEFT = "caller_left"
    SWITCH_FAILED = "switch_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFailed(ContactEvent):
    """The agent did not take the call. Unless the caller left, the caller waits again, with its place."""

    offer_id: OfferId
    agent_id: AgentId
    failure: OfferFailure
