"""Where two contexts meet that do not know each other: each adapter speaks one's port in terms of the other."""

from collections.abc import Collection, Mapping
from typing import Any

import structlog

from acd.config import AcdConfig
from cti_bridge.service import CtiBridge
from ivr.language.surroundings import Source, Surroundings
from ivr.ports import DipFailed
from switchroom.domain.contact import Outcome
from switchroom.domain.errors import UnknownContact
from switchroom.domain.events import OfferMade
from switchroom.domain.ids import ContactId
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import OrderDip
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger
from telephony.calls import Calls
from telephony.softswitch.port import Delivery

log = structlog.get_logger(__name__)

SOURCES: Mapping[str, Source] = {"orders": Source(OrderDip.ARGUMENTS, OrderDip.FIELDS)}
"""What menus can look up."""


def surroundings(config: AcdConfig) -> Surroundings:
    """What menus can rely on, with these queues and agents."""
    return Surroundings(
        queues={name: queue.skills for name, queue in config.queues.items()},
        agents=[agent.skills for agent in config.agents.values()],
        sources=SOURCES,
    )


class PopThenRing:
    """Brings a call to its agent (`acd.offers.Delivery`): the record is on the screen before the phone rings."""

    def __init__(self, bridge: CtiBridge, calls: Calls) -> None:
        self._bridge, self._calls = bridge, calls

    async def deliver(self, offer: OfferMade) -> None:
        await self._bridge.pop(offer)
        delivery = Delivery(
            offer_id=offer.offer_id,
            agent_id=offer.agent_id,
            extension=offer.extension,
            ring_timeout_s=offer.ring_timeout_s,
        )
        try:
            await self._calls.connect(offer.contact_id, delivery)
        except UnknownContact:
            log.info("offer.caller_gone", contact_id=offer.contact_id)


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
