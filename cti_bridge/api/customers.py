"""Customers: found by number, with their orders and everything they had with us, and erased when they ask for it."""

import asyncio
import dataclasses
from collections.abc import Sequence
from http import HTTPStatus

import structlog
from aiohttp import web

from cti_bridge.api.models import CustomerAnswer, CustomersQuery, TimelineEntry
from cti_bridge.api.ports import Refused
from cti_bridge.api.problems import Problem, not_found
from cti_bridge.api.route import Context, Route
from cti_bridge.pop import mask_phone
from switchroom.domain.customer import Customer
from switchroom.domain.ids import CustomerId
from switchroom.storage.accounts import Role

FLUSH_S = 5.0

log = structlog.get_logger(__name__)


async def search(context: Context) -> Sequence[Customer]:
    query: CustomersQuery = context.query
    found = await context.api.connectors.crm.by_phone(query.phone)
    return [] if found is None else [_shown(context, found)]


async def customer(context: Context) -> CustomerAnswer:
    found = await _customer(context)
    orders = await context.api.connectors.crm.orders(found.id)
    return CustomerAnswer(customer=_shown(context, found), orders=orders)


async def timeline(context: Context) -> Sequence[TimelineEntry]:
    found = await _customer(context)
    api = context.api
    entries = [
        TimelineEntry(
            at=call.entered_at,
            kind="call",
            title=call.queue or "",
            state=call.outcome,
            contact_id=call.contact_id,
            agent_id=call.agent_id,
        )
        for call in await api.history.latest(customer_id=found.id, limit=100)
    ]
    entries += [
        TimelineEntry(
            at=ticket.created_at,
            kind="ticket",
            title=ticket.subject,
            state=ticket.disposition or ticket.state,
            contact_id=ticket.contact_id,
            agent_id=ticket.agent_id,
        )
        for ticket in await api.connectors.ticketing.latest(customer_id=found.id, limit=100)
    ]
    entries += [
        TimelineEntry(at=order.placed_at, kind="order", title=order.number, state=order.status)
        for order in await api.connectors.crm.orders(found.id, limit=100)
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


async def forget(context: Context) -> web.Response:
    """Erase the person from the ledger, and from what is kept in memory of it."""
    customer_id = CustomerId(context.http.match_info["id"])
    try:
        # What is written down later would bring the name back.
        await asyncio.wait_for(context.api.ledger.flush(), FLUSH_S)
        erased = await context.api.erasure.erase(customer_id)
    except TimeoutError:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "events wait to be written down: try again later") from None
    except Refused as refusal:
        raise Problem(HTTPStatus.CONFLICT, str(refusal)) from None
    if erased is None:
        raise not_found("customer")
    context.api.bridge.forget_profiles()
    log.info(
        "audit.customer_erased",
        customer_id=customer_id,
        calls=len(erased.calls),
        tickets=erased.tickets,
        by=context.user.login,
    )
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _customer(context: Context) -> Customer:
    found = await context.api.connectors.crm.get(CustomerId(context.http.match_info["id"]))
    if found is None:
        raise not_found("customer")
    return found


def _shown(context: Context, found: Customer) -> Customer:
    if context.supervises:
        return found
    return dataclasses.replace(found, phones=tuple(mask_phone(phone) for phone in found.phones))


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/customers",
        handle=search,
        least=Role.AGENT,
        summary="The customer with this number, in whatever form it is written",
        query=CustomersQuery,
        answer=Sequence[Customer],
    ),
    Route(
        method="GET",
        path="/api/v1/customers/{id}",
        handle=customer,
        least=Role.AGENT,
        summary="A customer with their orders",
        answer=CustomerAnswer,
    ),
    Route(
        method="DELETE",
        path="/api/v1/customers/{id}",
        handle=forget,
        least=Role.ADMIN,
        summary="Erase the person: customer, numbers and orders, and name, number and input in calls and tickets",
        status=HTTPStatus.NO_CONTENT,
    ),
    Route(
        method="GET",
        path="/api/v1/customers/{id}/timeline",
        handle=timeline,
        least=Role.AGENT,
        summary="A customer's calls, tickets and orders, the newest first",
        answer=Sequence[TimelineEntry],
    ),
)
