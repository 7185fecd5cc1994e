"""Customers: found by number, with their orders and everything they had with us, and erased when they ask for it."""

import asyncio
import dataclasses
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

import structlog
from aiohttp import web
from pydantic import Field

from cti_bridge.connectors.port import Connectors
from cti_bridge.customers.profiles import Profiles
from cti_bridge.http.models import In
from cti_bridge.http.problems import Problem, not_found
from cti_bridge.http.route import Capability, Request, Route
from cti_bridge.masking import mask_phone
from switchroom.domain.customer import Customer, Order
from switchroom.domain.errors import Refused
from switchroom.domain.ids import AgentId, ContactId, CustomerId
from switchroom.domain.user import Right
from switchroom.storage.contacts import Contacts
from switchroom.storage.erasure import Erased, Erasure
from switchroom.storage.ledger import Ledger

FLUSH_S = 5.0

log = structlog.get_logger(__name__)


class CustomersQuery(In):
    phone: str = Field(min_length=1, max_length=40)


class PersonQuery(In):
    phone: str = Field(min_length=1, max_length=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAnswer:
    customer: Customer
    orders: Sequence[Order]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing in a customer's life with us: a contact, a ticket or an order."""

    at: datetime
    kind: Literal["contact", "ticket", "order"]
    title: str
    state: str | None
    contact_id: ContactId | None = None
    agent_id: AgentId | None = None


class Customers(Capability):
    def __init__(
        self, connectors: Connectors, contacts: Contacts, erasure: Erasure, ledger: Ledger, profiles: Profiles
    ) -> None:
        self._connectors, self._contacts = connectors, contacts
        self._erasure, self._ledger, self._profiles = erasure, ledger, profiles

    async def search(self, request: Request) -> Sequence[Customer]:
        query: CustomersQuery = request.query
        found = await self._connectors.crm.by_phone(query.phone)
        return [] if found is None else [_shown(request, found)]

    async def customer(self, request: Request) -> CustomerAnswer:
        found = await self._customer(request)
        orders = await self._connectors.crm.orders(found.id)
        return CustomerAnswer(customer=_shown(request, found), orders=orders)

    async def timeline(self, request: Request) -> Sequence[TimelineEntry]:
        found = await self._customer(request)
        entries = [
            TimelineEntry(
                at=contact.entered_at,
                kind="contact",
                title=contact.queue or "",
                state=contact.outcome,
                contact_id=contact.contact_id,
                agent_id=contact.agent_id,
            )
            for contact in await self._contacts.latest(customer_id=found.id, limit=100)
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
            for ticket in await self._connectors.ticketing.latest(customer_id=found.id, limit=100)
        ]
        entries += [
            TimelineEntry(at=order.placed_at, kind="order", title=order.number, state=order.status)
            for order in await self._connectors.crm.orders(found.id, limit=100)
        ]
        return sorted(entries, key=lambda entry: entry.at, reverse=True)

    async def forget(self, request: Request) -> web.Response:
        """Erase the person from the ledger, and from what is kept in memory of it."""
        customer_id = CustomerId(request.http.match_info["id"])
        erased = await self._erased(self._erasure.erase(customer_id))
        if erased is None:
            raise not_found("customer")
        return self._forgotten(erased, request, customer_id)

    async def forget_number(self, request: Request) -> web.Response:
        """Erase a caller who is nobody's customer."""
        query: PersonQuery = request.query
        erased = await self._erased(self._erasure.erase_number(query.phone))
        if erased is None:
            raise not_found("number")
        return self._forgotten(erased, request, None)

    async def _erased(self, erasing: Coroutine[Any, Any, Erased | None]) -> Erased | None:
        try:
            # What is written down later would bring the name back.
            await asyncio.wait_for(self._ledger.flush(), FLUSH_S)
            return await erasing
        except TimeoutError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "events wait to be written down: try again later") from None
        except Refused as refusal:
            raise Problem(HTTPStatus.CONFLICT, str(refusal)) from None
        except OSError as error:
            log.error("customer.not_erased", error=type(error).__name__)
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "recordings or journal out of reach: try again") from None
        finally:
            erasing.close()

    def _forgotten(self, erased: Erased, request: Request, customer_id: CustomerId | None) -> web.Response:
        self._profiles.forget_all()
        log.info(
            "audit.customer_erased" if customer_id is not None else "audit.number_erased",
            customer_id=customer_id,  # of a number nothing is written down again
            calls=len(erased.calls),
            tickets=erased.tickets,
            recordings=erased.recordings,
            by=request.user.login,
        )
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _customer(self, request: Request) -> Customer:
        found = await self._connectors.crm.get(CustomerId(request.http.match_info["id"]))
        if found is None:
            raise not_found("customer")
        return found

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/customers",
            handle=search,
            needs=Right.READ,
            summary="The customer with this number, in any form",
            query=CustomersQuery,
            answer=Sequence[Customer],
        ),
        Route(
            method="GET",
            path="/api/v1/customers/{id}",
            handle=customer,
            needs=Right.READ,
            summary="A customer with their orders",
            answer=CustomerAnswer,
        ),
        Route(
            method="DELETE",
            path="/api/v1/customers/{id}",
            handle=forget,
            needs=Right.ERASE,
            summary="Erase the person: customer, orders, recordings; name, number and input in calls and tickets",
            status=HTTPStatus.NO_CONTENT,
        ),
        Route(
            method="DELETE",
            path="/api/v1/persons",
            handle=forget_number,
            needs=Right.ERASE,
            summary="Erase the caller with this number, in any form, who is nobody's customer",
            query=PersonQuery,
            status=HTTPStatus.NO_CONTENT,
        ),
        Route(
            method="GET",
            path="/api/v1/customers/{id}/timeline",
            handle=timeline,
            needs=Right.READ,
            summary="A customer's calls, tickets and orders, the newest first",
            answer=Sequence[TimelineEntry],
        ),
    )


def _shown(request: Request, found: Customer) -> Customer:
    if request.sees_numbers:
        return found
    return dataclasses.replace(found, phones=tuple(mask_phone(phone) for phone in found.phones))
