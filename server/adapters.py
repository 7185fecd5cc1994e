"""Where two contexts meet that do not know each other: each adapter speaks one's port in terms of the other."""

from collections.abc import Collection, Mapping

import structlog

from acd.channels import Channels
from acd.config import AcdConfig
from cti_bridge.pop.service import ScreenPops
from ivr.language.surroundings import Surroundings
from server.sources import described
from switchroom.domain.brand import Brands
from switchroom.domain.contact import Requirements
from switchroom.domain.errors import UnknownContact
from switchroom.domain.events import OfferMade
from switchroom.domain.ids import ChannelName, ContactId
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger
from telephony.calls import Calls
from telephony.reconcile import Booked
from telephony.softswitch.port import Delivery

log = structlog.get_logger(__name__)


def surroundings(config: AcdConfig, brands: Brands, lookups: Mapping[str, str]) -> Surroundings:
    """What menus can rely on, with these queues, agents, brands and sources (the setting ``lookups``)."""
    return Surroundings(
        queues={name: queue.skills for name, queue in config.queues.items()},
        agents=[agent.skills for agent in config.agents.values()],
        sources=described(lookups),
        brand_arguments=frozenset.intersection(*(frozenset(brand.arguments) for brand in brands.all)),
    )


class ByChannel:
    """All channels as one (`acd.channels.Channels`): each contact is brought over its own."""

    def __init__(self, channels: Mapping[ChannelName, Channels]) -> None:
        self._channels = channels

    async def deliver(self, offer: OfferMade) -> None:
        await self._channels[offer.channel].deliver(offer)

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        self._channels[requirements.channel].keep_requirements(contact_id, requirements)


class Voice:
    """The calls, for the ACD (`acd.channels.Channels`): the record is on the screen before the phone rings."""

    def __init__(self, pops: ScreenPops, calls: Calls) -> None:
        self._pops, self._calls = pops, calls

    async def deliver(self, offer: OfferMade) -> None:
        await self._pops.pop(offer)
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

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        self._calls.places.keep_requirements(contact_id, requirements)


class LedgerBookings:
    """What is written down of the calls (`telephony.reconcile.Bookings`)."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._contacts, self._ledger = Contacts(database), ledger

    async def booked(self, contact_ids: Collection[ContactId]) -> Mapping[ContactId, Booked]:
        return {
            contact_id: Booked(
                record.outcome,
                frozenset(talk.offer_id for talk in record.talks if talk.offer_id is not None and talk.ended_at),
            )
            for contact_id, record in (await self._contacts.of(contact_ids)).items()
        }

    async def flush(self) -> None:
        await self._ledger.flush()
