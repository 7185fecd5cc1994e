"""Legal holds: what is held is neither erased nor outlived by its retention."""

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from aiohttp import web
from pydantic import Field

from cti_bridge.connectors.port import Crm
from cti_bridge.http.models import In, Time
from cti_bridge.http.problems import Problem, not_found
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.hold import Hold, HoldSubject
from switchroom.domain.ids import ContactId, CustomerId
from switchroom.domain.user import Right
from switchroom.runtime.clock import Clock
from switchroom.storage.contacts import Contacts
from switchroom.storage.holds import Holds as HoldStore

log = structlog.get_logger(__name__)


class HoldOrder(In):
    """Without ``until`` the hold lasts until it is released."""

    reason: str = Field(min_length=1, max_length=500)
    until: Time | None = None


class Holds(Capability):
    def __init__(self, store: HoldStore, crm: Crm, contacts: Contacts, clock: Clock) -> None:
        self._store, self._crm, self._contacts, self._clock = store, crm, contacts, clock

    async def holds(self, _: Request) -> Sequence[Hold]:
        return await self._store.in_force(self._clock.now())

    async def hold_customer(self, request: Request) -> Hold:
        customer_id = CustomerId(request.http.match_info["id"])
        if await self._crm.get(customer_id) is None:
            raise not_found("customer")
        return await self._place(request, HoldSubject.CUSTOMER, customer_id)

    async def hold_contact(self, request: Request) -> Hold:
        contact_id = ContactId(request.http.match_info["id"])
        if await self._contacts.get(contact_id) is None:
            raise not_found("contact")
        return await self._place(request, HoldSubject.CONTACT, contact_id)

    async def release_customer(self, request: Request) -> web.Response:
        return await self._release(request, HoldSubject.CUSTOMER)

    async def release_contact(self, request: Request) -> web.Response:
        return await self._release(request, HoldSubject.CONTACT)

    async def _place(self, request: Request, subject: HoldSubject, subject_id: str) -> Hold:
        order: HoldOrder = request.body
        now = self._clock.now()
        if order.until is not None and order.until <= now:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the hold would be over already: `until` is in the past")
        hold = Hold(
            subject=subject,
            subject_id=subject_id,
            reason=order.reason,
            placed_by=request.user.login,
            placed_at=now,
            until=order.until,
        )
        await self._store.place(hold)
        log.info("audit.hold_placed", subject=subject, subject_id=subject_id, until=order.until, by=request.user.login)
        return hold

    async def _release(self, request: Request, subject: HoldSubject) -> web.Response:
        subject_id = request.http.match_info["id"]
        if not await self._store.release(subject, subject_id, by=request.user.login, at=self._clock.now()):
            raise not_found("hold")
        log.info("audit.hold_released", subject=subject, subject_id=subject_id, by=request.user.login)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/holds",
            handle=holds,
            needs=Right.HOLD,
            summary="The legal holds in force, the oldest first",
            answer=Sequence[Hold],
        ),
        Route(
            method="PUT",
            path="/api/v1/customers/{id}/hold",
            handle=hold_customer,
            needs=Right.HOLD,
            summary="Hold a customer with all their contacts; in the place of an earlier hold",
            body=HoldOrder,
            answer=Hold,
        ),
        Route(
            method="DELETE",
            path="/api/v1/customers/{id}/hold",
            handle=release_customer,
            needs=Right.HOLD,
            summary="Release the hold on a customer",
            status=HTTPStatus.NO_CONTENT,
        ),
        Route(
            method="PUT",
            path="/api/v1/contacts/{id}/hold",
            handle=hold_contact,
            needs=Right.HOLD,
            summary="Hold one contact; in the place of an earlier hold",
            body=HoldOrder,
            answer=Hold,
        ),
        Route(
            method="DELETE",
            path="/api/v1/contacts/{id}/hold",
            handle=release_contact,
            needs=Right.HOLD,
            summary="Release the hold on a contact",
            status=HTTPStatus.NO_CONTENT,
        ),
    )
