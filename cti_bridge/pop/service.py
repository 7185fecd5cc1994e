"""Puts the customer's record on the agent's screen before the phone rings.

Nothing here may hold up a call: where the CRM is slow or away the pop goes out with the number alone, and again,
complete, when the record arrives.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from cti_bridge.contacts.present import PresentContacts
from cti_bridge.customers.profiles import Profile, Profiles
from cti_bridge.pop.screen_pop import ScreenPop, screen_pop
from switchroom.domain import events as ev
from switchroom.domain.brand import Brands
from switchroom.domain.history import ContactRecord, fold
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock

POP_DEADLINE_S = 0.2
"""The phone rings after this time, whether the pop is drawn or not."""
PROFILE_DEADLINE_S = 0.12
"""How long a pop waits for the record. It was asked for when the call entered, so it is nearly always there."""

_AT_WORK = (ev.AgentState.RESERVED, ev.AgentState.BUSY, ev.AgentState.WRAP_UP)

log = structlog.get_logger(__name__)


class Screens(Protocol):
    """The agents' desktops."""

    async def show(self, pop: ScreenPop) -> int:
        """Hand the pop to every desktop of its agent; returns to how many, once they are written to the network."""


def _is_the_acds(offer: ev.OfferMade) -> bool:
    """Or one that was made here, for a consultation or after a restart: it names no phone."""
    return offer.extension != ""


class ScreenPops:
    """Await `pop` between the offer and the ring."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        contacts: PresentContacts,
        profiles: Profiles,
        screens: Screens,
        brands: Brands,
    ) -> None:
        self._bus, self._clock = bus, clock
        self._contacts, self._profiles, self._screens, self._brands = contacts, profiles, screens, brands
        self._tasks = BackgroundTasks()
        self._offers: dict[AgentId, ev.OfferMade] = {}
        self._drawn: dict[OfferId, asyncio.Event] = {}
        self._consulted: set[OfferId] = set()
        """Of those whose agent is asked by another: the contact and its ticket are the other's."""
        contacts.keep_while(lambda contact_id: any(o.contact_id == contact_id for o in self._offers.values()))
        self._unsubscribe = [
            bus.subscribe(ev.AgentStateChanged, self._agent_changed),
            bus.subscribe(ev.OfferFailed, lambda event: self._release(event.agent_id, event.contact_id)),
            bus.subscribe(ev.ConsultStarted, self._consult_started),
            bus.subscribe(ev.ConsultEnded, self._consult_ended),
            bus.subscribe(ev.ContactConnected, self._connected),
        ]

    async def stop(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self._tasks.close()

    async def pop(self, offer: ev.OfferMade) -> None:
        """Put the customer's record on the agent's screen, and wait until it is drawn there.

        Returns within `POP_DEADLINE_S`, and never raises: the phone rings in any case.
        """
        self._offers[offer.agent_id] = offer
        drawn = self._drawn[offer.offer_id] = asyncio.Event()
        handed_over = False
        try:
            async with asyncio.timeout(POP_DEADLINE_S):
                on_screen = await self._show(offer)
                handed_over = True
                if on_screen:
                    await drawn.wait()
        except Exception as error:
            # Handed over but not drawn in time: a tab in the background, or a program that does not say so.
            if not handed_over:
                log.warning(
                    "pop.late", contact_id=offer.contact_id, agent_id=offer.agent_id, error=type(error).__name__
                )
                self._tasks.spawn(self._show(offer), name="pop.late")  # the phone could not wait for it
        finally:
            del self._drawn[offer.offer_id]

    async def current_pop(self, agent_id: AgentId, contact_id: ContactId | None) -> ScreenPop | None:
        """The pop for a desktop that was opened late or connects again, of the agent's present contact.

        After a restart there is no offer in memory: it is made again from the ledger.
        """
        offer = self._offers.get(agent_id)
        if offer is None or (contact_id is not None and offer.contact_id != contact_id):
            if contact_id is None:
                return None
            record = await self._contacts.find(contact_id)
            if record is None:
                return None
            offer = self._made(agent_id, contact_id, OfferId(""), record.offered_at or self._clock.now())
        record = await self._record(offer)
        _, profile = await self._profile_in_time(record)
        return self._composed(offer, record, profile)

    def shown(self, agent_id: AgentId, offer_id: OfferId) -> None:
        """A desktop says that it has drawn the pop; said of anything but the agent's present offer, it is ignored."""
        offer = self._offers.get(agent_id)
        if offer is None or offer.offer_id != offer_id:
            return
        if offer_id in self._drawn:
            self._drawn[offer_id].set()
        record = self._contacts.get(offer.contact_id)
        if record is not None and record.shown_at is None and _is_the_acds(offer):
            now = self._clock.now()
            self._bus.publish(
                ev.ScreenPopShown(at=now, contact_id=offer.contact_id, offer_id=offer_id, agent_id=agent_id)
            )

    async def _show(self, offer: ev.OfferMade) -> bool:
        """Whether a desktop of the agent took the pop."""
        record = await self._record(offer)
        complete, profile = await self._profile_in_time(record)
        if self._offers.get(offer.agent_id) is not offer:
            return False  # over by now
        screens = await self._screens.show(self._composed(offer, record, profile))
        if not complete:
            self._tasks.spawn(self._complete(offer), name="pop.complete")
        if not screens:
            log.info("pop.no_screen", contact_id=offer.contact_id, agent_id=offer.agent_id)
            return False
        if not _is_the_acds(offer):
            return True
        self._bus.publish(
            ev.ScreenPopSent(
                at=self._clock.now(),
                contact_id=offer.contact_id,
                offer_id=offer.offer_id,
                agent_id=offer.agent_id,
                screens=screens,
            )
        )
        return True

    def _composed(self, offer: ev.OfferMade, record: ContactRecord, profile: Profile | None) -> ScreenPop:
        brand = self._brands.named(record.brand) if record.brand else self._brands.of(record.number)
        pop = screen_pop(offer, record, profile, brand)
        return replace(pop, ticket_id=None) if offer.offer_id in self._consulted else pop

    def _consult_started(self, event: ev.ConsultStarted) -> None:
        """Who is asked sees of whom, while their phone rings."""
        offer = self._made(event.consulted, event.contact_id, event.offer_id, event.at)
        self._offers[event.consulted] = offer
        self._consulted.add(event.offer_id)
        self._tasks.spawn(self._show(offer), name="pop.consult")

    def _consult_ended(self, event: ev.ConsultEnded) -> None:
        if event.ending not in (ev.ConsultEnding.HANDED_OVER, ev.ConsultEnding.CONFERENCE):
            self._release(event.consulted, event.contact_id)

    def _connected(self, event: ev.ContactConnected) -> None:
        """Who was asked has the contact now: shown again, with its ticket."""
        offer = self._offers.get(event.agent_id)
        if offer is not None and offer.offer_id == event.offer_id and event.offer_id in self._consulted:
            self._consulted.discard(event.offer_id)
            self._tasks.spawn(self._show(offer), name="pop.taken_over")

    @staticmethod
    def _made(agent_id: AgentId, contact_id: ContactId, offer_id: OfferId, at: datetime) -> ev.OfferMade:
        """As an offer, what the ACD did not offer, or before a restart."""
        return ev.OfferMade(
            at=at,
            contact_id=contact_id,
            offer_id=offer_id,
            agent_id=agent_id,
            extension=Extension(""),
            queue=QueueName(""),
            ring_timeout_s=0,
        )

    def _agent_changed(self, event: ev.AgentStateChanged) -> None:
        if event.state not in _AT_WORK and (offer := self._offers.get(event.agent_id)):
            self._release(event.agent_id, offer.contact_id)

    def _release(self, agent_id: AgentId, contact_id: ContactId) -> None:
        if (offer := self._offers.get(agent_id)) and offer.contact_id == contact_id:
            del self._offers[agent_id]
            self._consulted.discard(offer.offer_id)
            self._contacts.release(contact_id)

    async def _record(self, offer: ev.OfferMade) -> ContactRecord:
        return await self._contacts.find(offer.contact_id) or fold(None, offer)

    async def _profile_in_time(self, record: ContactRecord) -> tuple[bool, Profile | None]:
        """Whether the look-up came to an end, and what it found."""
        try:
            async with asyncio.timeout(PROFILE_DEADLINE_S):
                return True, await self._profiles.of_phone(record.caller)
        except Exception as error:
            log.info("pop.without_record", contact_id=record.contact_id, error=type(error).__name__)
            return False, None

    async def _complete(self, offer: ev.OfferMade) -> None:
        """Show the pop again when the record is there, if the agent still has the contact."""
        record = await self._record(offer)
        try:
            profile = await self._profiles.of_phone(record.caller)
        except Exception as error:
            log.warning("pop.stays_without_record", contact_id=offer.contact_id, error=type(error).__name__)
            return
        if profile is not None and self._offers.get(offer.agent_id) is offer:
            await self._screens.show(self._composed(offer, await self._record(offer), profile))
