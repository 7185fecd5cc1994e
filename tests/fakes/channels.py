"""Channels that keep what they were to bring, and let it ring at once."""

import asyncio

from switchroom.domain.contact import Requirements
from switchroom.domain.events import OfferMade
from switchroom.domain.ids import ContactId


class FakeChannels:
    """`acd.channels.Channels`. ``delay_s`` is how long it takes, ``error`` what it raises then."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.brought: list[OfferMade] = []
        self.cancelled: list[OfferMade] = []
        self.required: dict[ContactId, Requirements] = {}

    async def deliver(self, offer: OfferMade) -> None:
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled.append(offer)
            raise
        if self.error is not None:
            raise self.error
        self.brought.append(offer)

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        self.required[contact_id] = requirements
