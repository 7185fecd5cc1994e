"""A delivery that keeps what it was to bring, and lets it ring at once."""

import asyncio

from switchroom.domain.events import OfferMade


class FakeDelivery:
    """`acd.offers.Delivery`. ``delay_s`` is how long it takes, ``error`` what it raises then."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.brought: list[OfferMade] = []
        self.cancelled: list[OfferMade] = []

    async def deliver(self, offer: OfferMade) -> None:
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled.append(offer)
            raise
        if self.error is not None:
            raise self.error
        self.brought.append(offer)
