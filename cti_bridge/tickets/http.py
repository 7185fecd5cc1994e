"""Tickets: listed, read, written on, closed with a disposition."""

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from cti_bridge.connectors.port import Ticketing
from cti_bridge.http.endpoint import respond
from cti_bridge.http.kept import kept
from cti_bridge.http.models import In, Limit, Word
from cti_bridge.http.problems import Problem, not_found
from cti_bridge.http.route import Capability, Request, Route
from cti_bridge.tickets.service import DispositionMissing, TicketService
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import AgentId, ContactId, CustomerId, TicketId
from switchroom.domain.ticket import IllegalTicketMove, Ticket, TicketState
from switchroom.domain.user import Right
from switchroom.storage.contacts import Contacts
from switchroom.storage.ledger import Ledger


class TicketChange(In):
    """Closing needs a disposition."""

    state: TicketState | None = None
    disposition: Word | None = None
    note: str | None = Field(None, max_length=10_000)


class Joining(In):
    """``contact_id`` is a contact of the user's that came about the same thing."""

    contact_id: ContactId = Field(min_length=1, max_length=100)


class TicketsQuery(In):
    agent_id: AgentId | None = None
    customer_id: CustomerId | None = Field(None, min_length=1, max_length=200)
    state: TicketState | None = None
    limit: Limit = 50


def _is_of(contact: ContactRecord, ticket: Ticket) -> bool:
    """Whether both are of one customer: who serves the contact has seen the ticket in its pop."""
    return contact.customer_id is not None and contact.customer_id == ticket.customer_id


class Tickets(Capability):
    def __init__(self, ticketing: Ticketing, service: TicketService, contacts: Contacts, ledger: Ledger) -> None:
        self._ticketing, self._service, self._contacts, self._ledger = ticketing, service, contacts, ledger

    async def tickets(self, request: Request) -> Sequence[Ticket]:
        query: TicketsQuery = request.query
        agents = request.own
        if query.agent_id is not None and request.sees(query.agent_id):
            agents = frozenset({query.agent_id})
        return await self._ticketing.latest(
            agents=agents,
            customer_id=query.customer_id,
            states=() if query.state is None else (query.state,),
            limit=query.limit,
        )

    async def ticket(self, request: Request) -> Ticket:
        return await self._visible(request)

    async def change(self, request: Request) -> web.Response:
        found = await self._visible(request)
        wanted: TicketChange = request.body
        try:
            moved = await self._service.move(
                found, wanted.state or found.state, disposition=wanted.disposition, note=wanted.note
            )
        except DispositionMissing as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
        except IllegalTicketMove as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from error
        closed = moved.state is TicketState.CLOSED  # the contact's story has it too
        return respond(Ticket, moved, await kept(self._ledger) if closed else HTTPStatus.OK)

    async def join(self, request: Request) -> web.Response:
        wanted: Joining = request.body
        contact = await self._contacts.get(wanted.contact_id)
        if contact is None or contact.agent_id is None or not request.sees(contact.agent_id):
            raise not_found("contact")
        ticket = await self._ticketing.get(TicketId(request.http.match_info["id"]))
        if ticket is None or not (request.sees(ticket.agent_id) or _is_of(contact, ticket)):
            raise not_found("ticket")
        try:
            joined = await self._service.join(contact, contact.agent_id, ticket.id)
        except IllegalTicketMove as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from error
        return respond(Ticket, joined, await kept(self._ledger))

    async def _visible(self, request: Request) -> Ticket:
        """The ticket, if it is the user's, or of a contact that they have or had."""
        found = await self._ticketing.get(TicketId(request.http.match_info["id"]))
        if found is None:
            raise not_found("ticket")
        if not request.sees(found.agent_id):
            contact = await self._contacts.get(found.contact_id)
            if contact is None or not any(map(request.sees, contact.agents)):
                raise not_found("ticket")
        return found

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/tickets",
            handle=tickets,
            needs=Right.READ,
            summary="The newest tickets; an agent sees their own, a leader the team's",
            query=TicketsQuery,
            answer=Sequence[Ticket],
        ),
        Route(
            method="GET",
            path="/api/v1/tickets/{id}",
            handle=ticket,
            needs=Right.READ,
            summary="One ticket",
            answer=Ticket,
        ),
        Route(
            method="PATCH",
            path="/api/v1/tickets/{id}",
            handle=change,
            needs=Right.ACT,
            summary="Write a note, set pending, or close with a disposition; 202 while the closing is not kept",
            body=TicketChange,
            answer=Ticket,
        ),
        Route(
            method="POST",
            path="/api/v1/tickets/{id}/contacts",
            handle=join,
            needs=Right.ACT,
            summary="A further contact of the customer about the same thing joins the open ticket; its own is closed",
            body=Joining,
            answer=Ticket,
        ),
    )
