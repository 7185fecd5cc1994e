"""The bridge between telephone and computer: knows the caller, pops the screen before the ring, opens the ticket.

Nothing here may hold up a call. A CRM that is slow or away makes the caller a stranger, the pop goes out with the
number alone (and again, complete, when the record arrives), and the ticket is tried again until it is there.
"""

import asyncio
from dataclasses import replace
from typing import Protocol

import structlog

from cti_bridge.connectors.port import Connectors
from cti_bridge.pop import Profile, ScreenPop, screen_pop
from cti_bridge.profile import Profiles
from cti_bridge.tickets import QueueTitle, TicketDesk
from switchroom.domain import events as ev
from switchroom.domain.contact import CustomerTier
from switchroom.domain.history import ContactRecord, fold
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.contacts import Contacts
from switchroom.storage.outbox import Outbox

POP_DEADLINE_S = 0.2
"""The phone rings after this time, whatever became of the pop."""
PROFILE_DEADLINE_S = 0.12
"""How long a pop waits for the record. It was asked for when the call entered, so it is nearly always there."""
IDENTIFY_DEADLINE_S = 1.0
"""From the caller's arrival: after that they count as a stranger until the CRM has answered."""

_AT_WORK = (ev.AgentState.RESERVED, ev.AgentState.BUSY, ev.AgentState.WRAP_UP)
_BEGINNINGS = (ev.ContactEntered, ev.ContactAdopted, ev.ContactQueued, ev.OfferMade, ev.ContactConnected)

log = structlog.get_logger(__name__)


class Screens(Protocol):
    """The agents' desktops."""

    async def show(self, pop: ScreenPop) -> int:
        """Hand the pop to every desktop of its agent; returns to how many, once they are written to the network."""


class CtiBridge:
    """Follows every call on the bus. ``app`` awaits `pop` between the offer and the ring."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        connectors: Connectors,
        history: Contacts,
        screens: Screens,
        outbox: Outbox,
        queue_title: QueueTitle = lambda queue, _: queue,
    ) -> None:
        self._bus, self._clock, self._history, self._screens = bus, clock, history, screens
        self._profiles = Profiles(connectors, history, clock)
        self._tasks = BackgroundTasks()
        self._records: dict[ContactId, ContactRecord] = {}
        self._offers: dict[AgentId, ev.OfferMade] = {}
        self._drawn: dict[OfferId, asyncio.Event] = {}
        self._remembering: set[ContactId] = set()
        """Adopted calls whose past is being read from the ledger."""
        self.tickets = TicketDesk(connectors.ticketing, outbox, history, bus, clock, queue_title)

    async def start(self) -> None:
        self._unsubscribe = [
            self._bus.subscribe(ev.ContactEvent, self._follow),
            self._bus.subscribe(ev.AgentStateChanged, self._agent_changed),
            self._bus.subscribe(ev.Reconciled, self._reconciled),
        ]
        self.tickets.start()

    async def stop(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self._tasks.close()
        await self._profiles.close()
        await self.tickets.close()

    async def pop(self, offer: ev.OfferMade) -> None:
        """Put the customer's record on the agent's screen, and wait until it is drawn there.

        Returns within `POP_DEADLINE_S`, and never raises: the phone rings whatever became of the screen.
        """
        self._offers[offer.agent_id] = offer
        drawn = self._drawn[offer.offer_id] = asyncio.Event()
        # A task of its own: the record comes on the screen also when the phone could not wait for it.
        showing = self._tasks.spawn(self._show(offer), name="pop")
        try:
            async with asyncio.timeout(POP_DEADLINE_S):
                if await asyncio.shield(showing):
                    await drawn.wait()
        except Exception as error:
            # Handed over but not drawn in time: a tab in the background, or a program that does not say so.
            if not showing.done() or showing.exception() is not None:
                reason = type(error).__name__
                log.warning("pop.late", contact_id=offer.contact_id, agent_id=offer.agent_id, error=reason)
        finally:
            del self._drawn[offer.offer_id]

    async def _show(self, offer: ev.OfferMade) -> bool:
        """Whether a desktop of the agent took the pop."""
        record = await self._record(offer)
        complete, profile = await self._profile_in_time(record)
        if self._offers.get(offer.agent_id) is not offer:
            return False  # over by now
        screens = await self._screens.show(screen_pop(offer, record, profile))
        if not complete:
            self._tasks.spawn(self._complete(offer), name="pop.complete")
        if not screens:
            log.info("pop.no_screen", contact_id=offer.contact_id, agent_id=offer.agent_id)
            return False
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

    async def current_pop(self, agent_id: AgentId, contact_id: ContactId | None) -> ScreenPop | None:
        """The pop for a desktop that was opened late or connects again; ``contact_id`` is the agent's present call.

        After a restart there is no offer in memory: it is told again from the ledger.
        """
        offer = self._offers.get(agent_id)
        if offer is None or (contact_id is not None and offer.contact_id != contact_id):
            if contact_id is None:
                return None
            record = self._records.get(contact_id) or await self._history.get(contact_id)
            if record is None:
                return None
            offer = ev.OfferMade(
                at=record.offered_at or self._clock.now(),
                contact_id=contact_id,
                offer_id=OfferId(""),
                agent_id=agent_id,
                extension=Extension(""),
                queue=record.queue or QueueName(""),
                ring_timeout_s=0,
            )
        record = await self._record(offer)
        _, profile = await self._profile_in_time(record)
        return screen_pop(offer, record, profile)

    def shown(self, agent_id: AgentId, offer_id: OfferId) -> None:
        """A desktop says that it has drawn the pop; said of anything but the agent's present offer, it is ignored."""
        offer = self._offers.get(agent_id)
        if offer is None or offer.offer_id != offer_id:
            return
        if offer_id in self._drawn:
            self._drawn[offer_id].set()
        record = self._records.get(offer.contact_id)
        if record is not None and record.shown_at is None:
            self._bus.publish(
                ev.ScreenPopShown(
                    at=self._clock.now(), contact_id=offer.contact_id, offer_id=offer_id, agent_id=agent_id
                )
            )

    def forget_profiles(self) -> None:
        """Read every customer anew when next asked: one was erased."""
        self._profiles.forget_all()

    def _follow(self, event: ev.ContactEvent) -> None:
        if event.contact_id not in self._records and not isinstance(event, _BEGINNINGS):
            return  # a late word about a call that is over
        record = fold(self._records.get(event.contact_id), event)
        self._records[event.contact_id] = record
        match event:
            case ev.ContactEntered():
                self._tasks.spawn(self._identify(event.contact_id, event.caller), name="identify")
            case ev.ContactAdopted():
                self._tasks.spawn(self._identify(event.contact_id, event.caller), name="identify")
                if event.contact_id not in self._remembering:
                    self._remembering.add(event.contact_id)
                    self._tasks.spawn(self._remember(event.contact_id), name="remember")
            case ev.OfferFailed():
                self._release(event.agent_id, event.contact_id)
            case ev.ContactEnded():
                self._profiles.forget(record.caller)
                self._forget_if_over(event.contact_id)
            case ev.TicketClosed():
                self._profiles.forget(record.caller)

    def _agent_changed(self, event: ev.AgentStateChanged) -> None:
        if event.state not in _AT_WORK and (offer := self._offers.get(event.agent_id)):
            self._release(event.agent_id, offer.contact_id)

    def _reconciled(self, event: ev.Reconciled) -> None:
        for contact_id, record in tuple(self._records.items()):
            if contact_id not in event.live and record.ended_at is None:
                self._records[contact_id] = replace(record, ended_at=event.at)
                self._forget_if_over(contact_id)

    def _release(self, agent_id: AgentId, contact_id: ContactId) -> None:
        if (offer := self._offers.get(agent_id)) and offer.contact_id == contact_id:
            del self._offers[agent_id]
            self._forget_if_over(contact_id)

    def _forget_if_over(self, contact_id: ContactId) -> None:
        """A call is kept in mind until it has ended and its agent has finished the work after it."""
        record = self._records.get(contact_id)
        if record is None or record.ended_at is None:
            return
        if contact_id not in self._remembering and all(
            offer.contact_id != contact_id for offer in self._offers.values()
        ):
            del self._records[contact_id]

    async def _identify(self, contact_id: ContactId, caller: str) -> None:
        """Tell who calls as soon as it is known: a stranger first, where the CRM needs longer than the deadline."""
        reading = asyncio.ensure_future(self._profiles.of_phone(caller))
        told = False
        profile = None
        try:
            await asyncio.wait({reading}, timeout=IDENTIFY_DEADLINE_S)
            if not reading.done():
                told = True
                self._tell_customer(contact_id, None)
            profile = await reading
        except Exception as error:
            log.warning("customer.lookup_failed", contact_id=contact_id, error=type(error).__name__)
        finally:
            reading.cancel()
        if profile is not None or not told:
            self._tell_customer(contact_id, profile)

    def _tell_customer(self, contact_id: ContactId, profile: Profile | None) -> None:
        customer = profile.customer if profile else None
        self._bus.publish(
            ev.CustomerIdentified(
                at=self._clock.now(),
                contact_id=contact_id,
                customer_id=customer.id if customer else None,
                tier=customer.tier if customer else CustomerTier.STANDARD,
                name=customer.name if customer else None,
                language=customer.language if customer else None,
            )
        )

    async def _remember(self, contact_id: ContactId) -> None:
        """What the menu learned of a call before the restart."""
        try:
            known = await self._history.get(contact_id)
        except Exception as error:
            log.warning("bridge.past_unknown", contact_id=contact_id, error=type(error).__name__)
            known = None
        self._remembering.discard(contact_id)
        present = self._records[contact_id]
        if known is not None:
            present = _joined(known, present)
            self._records[contact_id] = present
        self._forget_if_over(contact_id)

    async def _record(self, offer: ev.OfferMade) -> ContactRecord:
        record = self._records.get(offer.contact_id) or await self._history.get(offer.contact_id)
        return record or fold(None, offer)

    async def _profile_in_time(self, record: ContactRecord) -> tuple[bool, Profile | None]:
        """Whether the look-up came to an end, and what it found."""
        try:
            async with asyncio.timeout(PROFILE_DEADLINE_S):
                return True, await self._profiles.of_phone(record.caller)
        except Exception as error:
            log.info("pop.without_record", contact_id=record.contact_id, error=type(error).__name__)
            return False, None

    async def _complete(self, offer: ev.OfferMade) -> None:
        """Show the pop again when the record is there, if the agent still has the call."""
        record = await self._record(offer)
        try:
            profile = await self._profiles.of_phone(record.caller)
        except Exception as error:
            log.warning("pop.stays_without_record", contact_id=offer.contact_id, error=type(error).__name__)
            return
        if profile is not None and self._offers.get(offer.agent_id) is offer:
            await self._screens.show(screen_pop(offer, await self._record(offer), profile))


_SINCE = (
    *("queue", "agent_id", "enqueued_at", "offered_at", "popped_at", "ringing_at", "answered_at"),
    *("ended_at", "outcome", "ticket_id"),
)


def _joined(known: ContactRecord, present: ContactRecord) -> ContactRecord:
    """The ledger's record of before the restart, with what has happened since."""
    since = {name: value for name in _SINCE if (value := getattr(present, name))}
    return replace(known, **since)
