"""Everything known of the customer behind a number, fetched while they are still in the menu."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from cti_bridge.connectors.port import Connectors
from switchroom.domain.customer import Customer, Order
from switchroom.domain.history import ContactRecord
from switchroom.domain.ticket import Ticket
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.clock import Clock
from switchroom.storage.contacts import Contacts

FRESH_S = 900.0
"""A profile this old is read again. It outlives a long wait, so that the pop need not wait for the CRM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A customer with their orders, former contacts and tickets, each the newest first."""

    customer: Customer
    orders: Sequence[Order] = ()
    contacts: Sequence[ContactRecord] = ()
    tickets: Sequence[Ticket] = ()


class Profiles:
    """Reads profiles by number. Asking twice at once reads once; failures are not remembered."""

    def __init__(self, connectors: Connectors, history: Contacts, clock: Clock, *, timeout_s: float = 10.0) -> None:
        self._connectors, self._history, self._clock = connectors, history, clock
        self._timeout_s = timeout_s
        self._tasks = BackgroundTasks()
        self._asked: dict[str, tuple[float, asyncio.Task[Profile | None]]] = {}

    async def of_phone(self, phone: str) -> Profile | None:
        """The profile, or None for a stranger. Raises what the CRM raises, TimeoutError when it is slow.

        A request that is cancelled meanwhile does not stop the reading: the next one finds it done.
        """
        if not phone:
            return None
        self._sweep()
        if phone not in self._asked:
            task = self._tasks.spawn(self._read(phone), name="profile")
            self._asked[phone] = (self._clock.monotonic(), task)
        return await asyncio.shield(self._asked[phone][1])

    def forget(self, phone: str) -> None:
        """Something about this customer changed: read it anew when next asked."""
        self._asked.pop(phone, None)

    def forget_all(self) -> None:
        """Remember nobody."""
        self._asked.clear()

    async def close(self) -> None:
        await self._tasks.close()

    def _sweep(self) -> None:
        stale = self._clock.monotonic() - FRESH_S
        for phone, (asked_at, task) in tuple(self._asked.items()):
            failed = task.done() and (task.cancelled() or task.exception() is not None)
            if failed or (task.done() and asked_at < stale):
                del self._asked[phone]

    async def _read(self, phone: str) -> Profile | None:
        async with asyncio.timeout(self._timeout_s):
            customer = await self._connectors.crm.by_phone(phone)
            if customer is None:
                return None
            orders, tickets, contacts = await asyncio.gather(
                self._connectors.crm.orders(customer.id, limit=10),
                self._connectors.ticketing.latest(customer_id=customer.id, limit=10),
                self._history.latest(customer_id=customer.id, limit=10),
            )
        return Profile(customer=customer, orders=orders, tickets=tickets, contacts=contacts)
