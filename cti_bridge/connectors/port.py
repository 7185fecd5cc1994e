"""What the bridge asks of a CRM and of a ticketing system; the built-in ones are two tables of the ledger.

A connector may raise anything when its system is away: the bridge gives each question a deadline, lets the
call go on as a stranger's, and asks for a ticket again until it is opened.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from switchroom.domain.customer import Customer, Order
from switchroom.domain.ids import AgentId, ContactId, CustomerId, TicketId
from switchroom.domain.ticket import Ticket, TicketState


class TicketRefused(Exception):
    """The ticketing system will never take this; the text says why, for the person who runs it. No personal data."""


class Crm(Protocol):
    """Who calls, and what they bought."""

    async def by_phone(self, phone: str) -> Customer | None: ...

    async def get(self, customer_id: CustomerId) -> Customer | None: ...

    async def orders(self, customer_id: CustomerId, limit: int = 20) -> Sequence[Order]:
        """The newest first."""


class Ticketing(Protocol):
    """Where cases are kept."""

    async def open(
        self,
        *,
        contact_id: ContactId,
        subject: str,
        at: datetime,
        agent_id: AgentId | None,
        customer_id: CustomerId | None,
        note: str = "",
    ) -> Ticket:
        """The call's ticket, opened unless it has one already. ``contact_id`` is the key that makes it happen once.

        Raises `TicketRefused` when asking again would not help; anything else is tried again.
        """

    async def join(self, contact_id: ContactId, ticket_id: TicketId) -> Ticket:
        """Make the contact one of an open ticket's, as when a customer calls again about the same thing.

        Raises LookupError when there is no such ticket, `IllegalTicketMove` when it is closed and not the contact's.
        """

    async def get(self, ticket_id: TicketId) -> Ticket | None: ...

    async def latest(
        self,
        *,
        agents: Collection[AgentId] | None = None,
        customer_id: CustomerId | None = None,
        states: Collection[TicketState] = (),
        limit: int = 50,
    ) -> Sequence[Ticket]:
        """The newest first, of these agents (None: of all)."""

    async def move(
        self,
        ticket_id: TicketId,
        to: TicketState,
        at: datetime,
        *,
        disposition: str | None = None,
        note: str | None = None,
    ) -> Ticket:
        """Move the ticket; raises `IllegalTicketMove`, or LookupError when there is none."""


@dataclass(frozen=True, slots=True)
class Connectors:
    """The systems that the bridge is connected to."""

    crm: Crm
    ticketing: Ticketing
