"""Tickets."""

from dataclasses import dataclass, field

from switchroom.domain.events.base import Personal, personal
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
    """The ticketing system refused the contact's ticket for good; ``reason`` is its word."""

    agent_id: AgentId
    reason: str = field(metadata=personal(Personal.PERSON, erased=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketClosed(ContactEvent):
    ticket_id: TicketId
    disposition: str
