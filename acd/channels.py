"""What carries the contacts: for voice, `telephony` with the record on the screen before the ring."""

from typing import Protocol

from switchroom.domain.contact import Requirements
from switchroom.domain.events import OfferMade
from switchroom.domain.ids import ContactId


class Channels(Protocol):
    """What the ACD asks of the channels. What becomes of it is heard on the bus."""

    async def deliver(self, offer: OfferMade) -> None:
        """Bring the offer to its agent; returns when the agent's phone (or desktop) was asked to ring.

        Cancelled when the offer ends before that. `ContactConnected` or `OfferFailed` follow later; any error that
        escapes counts as `OfferFailure.SWITCH_FAILED`.
        """

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        """Write down with the contact what its agent must be able to do from now on: a restart goes on with that."""
