"""Where two contexts meet that do not know each other: each adapter speaks one's port in terms of the other."""

from collections.abc import Collection, Mapping
from typing import Any

from acd.config import AcdConfig
from ivr.language.surroundings import Source, Surroundings
from ivr.ports import DipFailed
from switchroom.domain.brand import Brands
from switchroom.domain.contact import Outcome
from switchroom.domain.ids import ContactId
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import OrderDip
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger

SOURCES: Mapping[str, Source] = {"orders": Source(OrderDip.ARGUMENTS, OrderDip.FIELDS)}
"""What menus can look up."""


def surroundings(config: AcdConfig, brands: Brands) -> Surroundings:
    """What menus can rely on, with these queues, agents and brands."""
    return Surroundings(
        queues={name: queue.skills for name, queue in config.queues.items()},
        agents=[agent.skills for agent in config.agents.values()],
        sources=SOURCES,
        brand_arguments=frozenset.intersection(*(frozenset(brand.arguments) for brand in brands.all)),
    )


class LedgerDips:
    """The menus' sources of data in our own database (`ivr.ports.Dips`): ``orders``, by ``number``."""

    def __init__(self, database: Database) -> None:
        self._orders = OrderDip(database)

    async def look_up(self, source: str, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        if source != "orders" or "number" not in arguments:
            raise DipFailed(f"there is no source `{source}` that takes {sorted(arguments)}")
        return await self._orders.get(arguments["number"])


class LedgerBookings:
    """What is written down of the calls (`telephony.reconcile.Bookings`)."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._contacts, self._ledger = Contacts(database), ledger

    async def outcomes(self, contact_ids: Collection[ContactId]) -> Mapping[ContactId, Outcome | None]:
        return await self._contacts.outcomes(contact_ids)

    async def flush(self) -> None:
        await self._ledger.flush()
