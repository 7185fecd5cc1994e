"""The bridge between telephone and computer: knows the caller, pops the screen before the ring, opens the ticket."""

from datetime import timedelta

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

OWED_FOR = timedelta(days=2)
"""How far back a restart looks for contacts whose ticket could not be opened."""


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
        queue_title: QueueTitle = lambda queue, _: queue,
    ) -> None:
        self._bus, self._clock, self._history = bus, clock, history
        self.connectors = connectors
        self.contacts = PresentContacts(bus, history)
        self.profiles = Profiles(connectors, history, clock)
        self.identification = Identification(bus, clock, self.profiles)
        self.pops = ScreenPops(bus, clock, self.contacts, self.profiles, screens, brands)
        self.tickets = TicketService(connectors.ticketing, bus, clock, queue_title)
        self.contacts.on_complete(lambda record: self.tickets.open_for(record) if record.answered_at else None)
        self.contacts.watch(self._watch)

    async def start(self) -> None:
        for record in await self._history.answered_without_ticket(self._clock.now() - OWED_FOR):
            self.tickets.open_for(record)

    async def stop(self) -> None:
        for part in (self.pops, self.identification, self.contacts):
            await part.stop()
        await self.profiles.close()
        await self.tickets.close()

    def _watch(self, event: ev.ContactEvent, record: ContactRecord) -> None:
        match event:
            case ev.ContactConnected() if self.contacts.is_complete(event.contact_id):
                self.tickets.open_for(record)
            case ev.ContactEnded() | ev.TicketClosed():
                self.profiles.forget(record.caller)  # it says less than there is now
