"""Says who is calling, as soon as it is known. A CRM that is slow makes the caller a stranger until it has answered."""

import asyncio

import structlog

from cti_bridge.customers.profiles import Profile, Profiles
from switchroom.domain import events as ev
from switchroom.domain.caller import IDENTIFIED_WITHIN_S
from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock

log = structlog.get_logger(__name__)


class Identification:
    """Answers each arrival with `CustomerIdentified`."""

    def __init__(self, bus: Bus, clock: Clock, profiles: Profiles) -> None:
        self._bus, self._clock, self._profiles = bus, clock, profiles
        self._tasks = BackgroundTasks()
        self._unsubscribe = [
            bus.subscribe(ev.ContactEntered, self._arrived),
            bus.subscribe(ev.ContactAdopted, self._arrived),
        ]

    async def stop(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self._tasks.close()

    def _arrived(self, event: ev.ContactEntered | ev.ContactAdopted) -> None:
        self._tasks.spawn(self._identify(event.contact_id, event.caller), name="identify")

    async def _identify(self, contact_id: ContactId, caller: str) -> None:
        reading = asyncio.ensure_future(self._profiles.of_phone(caller))
        said = False
        profile = None
        try:
            await asyncio.wait({reading}, timeout=IDENTIFIED_WITHIN_S)
            if not reading.done():
                said = True
                self._say(contact_id, None)
            profile = await reading
        except Exception as error:
            log.warning("customer.lookup_failed", contact_id=contact_id, error=type(error).__name__)
        finally:
            reading.cancel()
        if profile is not None or not said:
            self._say(contact_id, profile)

    def _say(self, contact_id: ContactId, profile: Profile | None) -> None:
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
