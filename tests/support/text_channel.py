"""A channel that the product does not have, to show that a channel needs the bus and `Channels`, and nothing of calls.

Its contacts are short messages: they wait in the line beside calls, are offered, accepted and ended.
"""

import itertools
from dataclasses import replace

from switchroom.domain.contact import Outcome, Requirements
from switchroom.domain.events import (
    ContactConnected,
    ContactEnded,
    ContactEntered,
    ContactQueued,
    OfferFailed,
    OfferFailure,
    OfferMade,
    TalkEnded,
)
from switchroom.domain.ids import ChannelName, ContactId, QueueName
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from tests.support.brands import SHOP

TEXT = ChannelName("text")


class TextChannel:
    """Messages in, and `acd.channels.Channels` for them: an agent's desktop that lists what is offered."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._numbers = itertools.count(1)
        self.offered: dict[ContactId, OfferMade] = {}

    def write(self, sender: str, queue: QueueName) -> ContactId:
        """A customer writes."""
        now, contact_id = self._clock.now(), ContactId(f"text-{next(self._numbers)}")
        entered = ContactEntered(
            at=now, contact_id=contact_id, number="text", caller=sender, brand=SHOP.name, channel=TEXT
        )
        self._bus.publish(entered)
        needs = replace(Requirements(queue), skills={"lang:zh": 1}, channel=TEXT)
        self._bus.publish(ContactQueued(at=now, contact_id=contact_id, requirements=needs, enqueued_at=now))
        return contact_id

    async def deliver(self, offer: OfferMade) -> None:
        self.offered[offer.contact_id] = offer

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        """Messages do not outlive the process."""

    def accept(self, contact_id: ContactId) -> None:
        """The agent opens it."""
        offer = self.offered[contact_id]
        self._bus.publish(
            ContactConnected(
                at=self._clock.now(), contact_id=contact_id, agent_id=offer.agent_id, offer_id=offer.offer_id
            )
        )

    def decline(self, contact_id: ContactId) -> None:
        """The agent passes it on."""
        offer = self.offered.pop(contact_id)
        self._bus.publish(
            OfferFailed(
                at=self._clock.now(),
                contact_id=contact_id,
                offer_id=offer.offer_id,
                agent_id=offer.agent_id,
                failure=OfferFailure.BUSY,
            )
        )

    def close(self, contact_id: ContactId) -> None:
        """Answered: the customer writes no more."""
        offer, now = self.offered.pop(contact_id), self._clock.now()
        self._bus.publish(
            TalkEnded(
                at=now, contact_id=contact_id, agent_id=offer.agent_id, offer_id=offer.offer_id, began_at=offer.at
            )
        )
        self._bus.publish(
            ContactEnded(at=now, contact_id=contact_id, outcome=Outcome.CONNECTED, agent_id=offer.agent_id)
        )
