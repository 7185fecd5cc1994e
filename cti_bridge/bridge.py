"""The bridge between telephone and computer: knows the caller, pops the screen before the ring, opens the ticket."""

from cti_bridge.connectors.port import Connectors
from cti_bridge.contacts.present import PresentContacts
from cti_bridge.customers.identification import Identification
from cti_bridge.customers.profiles import Profiles
from cti_bridge.pop.service import ScreenPops, Screens
from cti_bridge.tickets.service import QueueTitle, TicketService
from switchroom.domain import events as ev
from switchroom.domain.brand import Brands
from switchroom.domain.history import ContactRecord
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.contacts import Contacts
from switchroom.storage.outbox import Outbox


class CtiBridge:
    """Its parts, and what they say to each other."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        connectors: Connectors,
        history: Contacts,
        screens: Screens,
        brands: Brands,
        outbox: Outbox,
        queue_title: QueueTitle = lambda queue, _: queue,
    ) -> None:
        self.connectors, self.brands = connectors, brands
        self.contacts = PresentContacts(bus, history)
        self.profiles = Profiles(connectors, history, clock)
        self.identification = Identification(bus, clock, self.profiles)
        self.pops = ScreenPops(bus, clock, self.contacts, self.profiles, screens, brands)
        self.tickets = TicketService(connectors.ticketing, outbox, history, bus, clock, queue_title)
        self.contacts.watch(self._watch)

    async def start(self) -> None:
        self.tickets.start()

    async def stop(self) -> None:
        for part in (self.pops, self.identification, self.contacts):
            await part.stop()
        await self.profiles.close()
        await self.tickets.close()

    def _watch(self, event: ev.ContactEvent, before: ContactRecord | None, record: ContactRecord) -> None:
        if isinstance(event, ev.ContactEnded | ev.TicketClosed):
            self.profiles.forget(record.caller)  # it says less than there is now
