"""A CRM and a ticketing system with the troubles that real ones have."""

import asyncio
from collections.abc import Sequence
from typing import Any

from cti_bridge.connectors.port import TicketRefused
from switchroom.domain.customer import Customer, Order
from switchroom.domain.ids import CustomerId
from switchroom.domain.ticket import Ticket
from switchroom.storage.customers import Customers
from switchroom.storage.tickets import Tickets


class SlowCrm:
    """Answers when ``answers`` is set, with what the real one says."""

    def __init__(self, crm: Customers) -> None:
        self._crm = crm
        self.answers = asyncio.Event()
        self.asked = 0

    async def by_phone(self, phone: str) -> Customer | None:
        self.asked += 1
        await self.answers.wait()
        return await self._crm.by_phone(phone)

    async def get(self, customer_id: CustomerId) -> Customer | None:
        return await self._crm.get(customer_id)

    async def orders(self, customer_id: CustomerId, limit: int = 20) -> Sequence[Order]:
        return await self._crm.orders(customer_id, limit)


class BrokenCrm(SlowCrm):
    async def by_phone(self, phone: str) -> Customer | None:
        raise ConnectionError("the CRM is away")


class FlakyTicketing(Tickets):
    """Fails ``failures`` times; with ``after_commit`` the ticket was opened all the same, and the answer lost.

    ``refuses`` is why it takes no ticket at all.
    """

    failures = 0
    after_commit = False
    refuses = ""

    async def open(self, **values: Any) -> Ticket:
        if self.refuses:
            raise TicketRefused(self.refuses)
        if self.failures > 0:
            self.failures -= 1
            if self.after_commit:
                await super().open(**values)
            raise ConnectionError("the ticketing system is away")
        return await super().open(**values)
