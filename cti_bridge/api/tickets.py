"""Tickets: listed, read, written on, closed with a disposition."""

from collections.abc import Sequence
from http import HTTPStatus

from cti_bridge.api.models import TicketChange, TicketsQuery
from cti_bridge.api.problems import Problem, not_found
from cti_bridge.api.route import Context, Route
from cti_bridge.tickets import DispositionMissing
from switchroom.domain.ids import TicketId
from switchroom.domain.ticket import IllegalTicketMove, Ticket
from switchroom.storage.accounts import Role


async def tickets(context: Context) -> Sequence[Ticket]:
    query: TicketsQuery = context.query
    agent_id = query.agent_id if context.supervises else context.user.agent_id
    if agent_id is None and not context.supervises:
        return []
    return await context.api.connectors.ticketing.latest(
        agent_id=agent_id,
        customer_id=query.customer_id,
        states=() if query.state is None else (query.state,),
        limit=query.limit,
    )


async def ticket(context: Context) -> Ticket:
    return await _visible(context)


async def change(context: Context) -> Ticket:
    found = await _visible(context)
    wish: TicketChange = context.body
    try:
        return await context.api.bridge.tickets.move(
            found, wish.state or found.state, disposition=wish.disposition, note=wish.note
        )
    except DispositionMissing as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    except IllegalTicketMove as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from error


async def _visible(context: Context) -> Ticket:
    found = await context.api.connectors.ticketing.get(TicketId(context.http.match_info["id"]))
    if found is None or not context.sees(found.agent_id):
        raise not_found("ticket")
    return found


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/tickets",
        handle=tickets,
        least=Role.AGENT,
        summary="The newest tickets; an agent sees their own",
        query=TicketsQuery,
        answer=Sequence[Ticket],
    ),
    Route(
        method="GET",
        path="/api/v1/tickets/{id}",
        handle=ticket,
        least=Role.AGENT,
        summary="One ticket",
        answer=Ticket,
    ),
    Route(
        method="PATCH",
        path="/api/v1/tickets/{id}",
        handle=change,
        least=Role.AGENT,
        summary="Write a note, set pending, or close with a disposition",
        body=TicketChange,
        answer=Ticket,
    ),
)
