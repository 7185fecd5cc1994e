"""Where two contexts meet that do not know each other: each adapter speaks one's port in terms of the other."""

from collections.abc import Collection, Mapping

from acd.config import AcdConfig
from ivr.language.surroundings import Surroundings
from server.sources import described
from switchroom.domain.brand import Brands
from switchroom.domain.contact import Outcome
from switchroom.domain.ids import ContactId
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger


def surroundings(config: AcdConfig, brands: Brands, lookups: Mapping[str, str]) -> Surroundings:
    """What menus can rely on, with these queues, agents, brands and sources (the setting ``lookups``)."""
    return Surroundings(
        queues={name: queue.skills for name, queue in config.queues.items()},
        agents=[agent.skills for agent in config.agents.values()],
        sources=described(lookups),
        brand_arguments=frozenset.intersection(*(frozenset(brand.arguments) for brand in brands.all)),
    )


class LedgerBookings:
    """What is written down of the calls (`telephony.reconcile.Bookings`)."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._contacts, self._ledger = Contacts(database), ledger

    async def outcomes(self, contact_ids: Collection[ContactId]) -> Mapping[ContactId, Outcome | None]:
        return await self._contacts.outcomes(contact_ids)

    async def flush(self) -> None:
        await self._ledger.flush()
