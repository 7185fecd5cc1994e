"""Tickets."""

from dataclasses import dataclass

from switchroom.domain.events.contact import ContactEvent
from switchroom.domain.ids import AgentId, TicketId


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOpened(ContactEvent):
    ticket_id: TicketId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketJoined(ContactEvent):
    """The contact belongs to a ticket that was open already: the customer came again about the same thing."""

    ticket_id: TicketId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFailed(ContactEvent):
    """The ticketing system refused the contact's ticket for good; ``reason`` is its word, without personal data."""

    agent_id: AgentId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketClosed(ContactEvent):
    ticket_id: TicketId
    disposition: str
