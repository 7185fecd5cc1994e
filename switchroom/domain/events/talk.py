"""What happens while an agent has a contact: hold, consultation, a third party. The customer hears music meanwhile."""

from dataclasses import dataclass
from enum import StrEnum

from switchroom.domain.events.contact import ContactEvent
from switchroom.domain.ids import AgentId, OfferId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactHeld(ContactEvent):
    """The agent has put the customer on hold."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactResumed(ContactEvent):
    """The customer talks to the agent again."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultEvent(ContactEvent):
    """``agent_id`` asks ``consulted``; ``offer_id`` is that of the consulted agent's leg."""

    agent_id: AgentId
    consulted: AgentId
    offer_id: OfferId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultStarted(ConsultEvent):
    """The second phone is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultAnswered(ConsultEvent):
    """The two agents talk."""


class ConsultEnding(StrEnum):
    """How a consultation ended: exactly one of these."""

    RETURNED = "returned"
    """The agent went back to the customer."""
    CONSULTED_LEFT = "consulted_left"
    HANDED_OVER = "handed_over"
    """The consulted agent took the customer over."""
    CONFERENCE = "conference"
    """All three talk."""
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    AGENT_LEFT = "agent_left"
    CALLER_LEFT = "caller_left"
    SWITCH_FAILED = "switch_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultEnded(ConsultEvent):
    """The consultation is over."""

    ending: ConsultEnding


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJoined(ContactEvent):
    """The customer talks to a further agent at the same time; `TalkEnded` tells of each when they leave."""

    agent_id: AgentId
    offer_id: OfferId
