"""One live call: where it stands, and what is said on the bus when that changes, up to the answer (`telephony.talking`
goes on from there).

It only knows what happened; who makes things happen is `telephony.calls`. Its mailbox does one thing after the other.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from switchroom.domain.brand import Brand
from switchroom.domain.call import TALKING, CallState, Move, after
from switchroom.domain.caller import Caller
from switchroom.domain.contact import CustomerTier, Outcome, Requirements, Waiting
from switchroom.domain.events import (
    AgentRang,
    ContactAdopted,
    ContactEnded,
    ContactEntered,
    ContactEvent,
    ContactQueued,
    CustomerIdentified,
    FlowStarted,
    OfferFailed,
    OfferFailure,
    PlaceChange,
    PlaceChanged,
)
from switchroom.domain.ids import AgentId, ContactId, OfferId
from switchroom.domain.leg import LegMove
from switchroom.domain.views import CallView
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.runtime.mailbox import Mailbox
from telephony.legs import Consulted, Legs

_RANKS = tuple(CustomerTier)


class Call:
    """A call from its arrival (or adoption) to its end."""

    def __init__(
        self,
        contact_id: ContactId,
        number: str,
        phone: str,
        brand: Brand,
        entered_at: datetime,
        mailbox: Mailbox,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self.contact_id = contact_id
        self.number = number
        self.phone = phone
        self.brand = brand
        self.entered_at = entered_at
        self.mailbox = mailbox
        self.moves = 0
        """How often its state was set: compared with an older picture it tells whether the call moved since."""
        self._state = CallState.ENTERED
        self.waiting: Waiting | None = None
        self.agent_id: AgentId | None = None
        self.offer_id: OfferId | None = None
        self.transfer_to: Waiting | None = None
        """The place that a transfer has asked for: taken when the softswitch tells that it was done."""
        self.second: Consulted | None = None
        """Whom the agent asks, or who talks to the caller as well."""
        self.wanted: Consulted | None = None
        """Whom the softswitch was told to call for the agent: of their leg it may tell before it says that it began."""
        self.asked: tuple[int, float] | None = None
        """A command that was given at this count of ``moves``, and until when its effect is waited for (monotonic)."""
        self.returning = False
        """The agent has asked to go back to the caller."""
        self.talks_began: dict[OfferId, datetime] = {}
        self.talks_told: set[OfferId] = set()
        """The talks of which the end was told."""
        self.legs = Legs()
        self.legs.caller(contact_id, entered_at)
        self.resolved = False
        """The menu has given the caller what they asked for."""
        self.claimed = False
        """A media connection holds the caller."""
        self.identified = asyncio.Event()
        self._customer: CustomerIdentified | None = None
        self._bus = bus
        self._clock = clock

    @property
    def state(self) -> CallState:
        return self._state

    @state.setter
    def state(self, state: CallState) -> None:
        self._state = state
        self.moves += 1

    def move(self, what: Move) -> None:
        self.state = after(self.state, what)

    def now(self) -> datetime:
        return self._clock.now()

    def publish(self, event: ContactEvent) -> None:
        self._bus.publish(event)

    # What happens to it.

    def entered(self) -> None:
        self._bus.publish(
            ContactEntered(
                at=self.entered_at,
                contact_id=self.contact_id,
                number=self.number,
                caller=self.phone,
                brand=self.brand.name,
            )
        )

    def adopted(
        self,
        state: CallState,
        agent_id: AgentId | None,
        offer_id: OfferId | None,
        waiting: Waiting | None,
        answered_at: datetime | None = None,
    ) -> None:
        """Found in the softswitch, or in its journal: it goes on from there."""
        self.state, self.agent_id, self.offer_id, self.waiting = state, agent_id, offer_id, waiting
        if state is CallState.OFFERED and agent_id is not None and offer_id is not None:
            self.legs.move(offer_id, agent_id, LegMove.RANG, self._clock.now())
        self._bus.publish(
            ContactAdopted(
                at=self._clock.now(),
                contact_id=self.contact_id,
                number=self.number,
                caller=self.phone,
                brand=self.brand.name,
                entered_at=self.entered_at,
                state=state,
                agent_id=agent_id,
                offer_id=offer_id,
                waiting=waiting,
                answered_at=answered_at,
            )
        )

    def known_as(self, customer: CustomerIdentified) -> None:
        self._customer = customer
        self.identified.set()

    def menu_started(self, flow: str, version: str) -> None:
        self.move(Move.MENU_STARTED)
        self._bus.publish(
            FlowStarted(
                at=self._clock.now(),
                contact_id=self.contact_id,
                flow=flow,
                version=version,
                brand_title=self.brand.title,
                arguments=self.brand.arguments,
            )
        )

    def queued(self, waiting: Waiting, collected: Mapping[str, str]) -> None:
        """It waits; told once, however often the softswitch says it, and not of a call that ended meanwhile."""
        if self.state is CallState.ENDED:
            return
        self.waiting = waiting
        if self.state is CallState.QUEUED:
            return
        self.move(Move.QUEUED)
        self.tell_waiting(collected)

    def tell_waiting(self, collected: Mapping[str, str]) -> None:
        assert self.waiting is not None
        self._bus.publish(
            ContactQueued(
                at=self._clock.now(),
                contact_id=self.contact_id,
                requirements=self.waiting.requirements,
                enqueued_at=self.waiting.enqueued_at,
                collected=collected,
            )
        )

    def ranked(self, requirements: Requirements) -> Requirements:
        """With the customer's tier, if that is known, higher, and the menu has not fixed another."""
        if requirements.tier_is_fixed:
            return requirements
        return replace(requirements, tier=max(requirements.tier, self.caller.tier, key=_RANKS.index))

    def tell_place(self, why: PlaceChange) -> None:
        """The requirements of ``waiting`` have changed."""
        assert self.waiting is not None
        self._bus.publish(
            PlaceChanged(
                at=self._clock.now(),
                contact_id=self.contact_id,
                requirements=self.waiting.requirements,
                enqueued_at=self.waiting.enqueued_at,
                why=why,
            )
        )

    def offered(self, agent_id: AgentId, offer_id: OfferId) -> None:
        self.agent_id, self.offer_id = agent_id, offer_id
        self.move(Move.OFFERED)
        self.legs.dial(offer_id, agent_id, self._clock.now())

    def rang(self, agent_id: AgentId, offer_id: OfferId) -> None:
        self.legs.move(offer_id, agent_id, LegMove.RANG, self._clock.now())
        if self.is_second(offer_id):
            return  # not an offer's ring
        now = self._clock.now()
        self._bus.publish(AgentRang(at=now, contact_id=self.contact_id, offer_id=offer_id, agent_id=agent_id))

    def is_second(self, offer_id: OfferId) -> bool:
        """Whether this is the leg of an agent who is consulted."""
        return self.second is not None and self.second.offer_id == offer_id

    def offer_failed(self, offer_id: OfferId, agent_id: AgentId, failure: OfferFailure) -> None:
        """The agent did not take it. A late word about an offer that is over changes nothing."""
        if self.state is not CallState.OFFERED or self.offer_id not in (None, offer_id):
            return
        self.agent_id, self.offer_id = None, None
        self.move(Move.OFFER_FAILED)
        self.legs.move(offer_id, agent_id, LegMove.LEFT, self._clock.now())
        self.tell_offer_failed(offer_id, agent_id, failure)

    def tell_offer_failed(self, offer_id: OfferId, agent_id: AgentId, failure: OfferFailure) -> None:
        now, contact_id = self._clock.now(), self.contact_id
        self._bus.publish(
            OfferFailed(at=now, contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=failure)
        )

    def ended(self, *, at: datetime | None = None, by_softswitch: bool = False) -> None:
        """It is over, since ``at`` (now, unless it is told late); nothing more is done for it.

        ``by_softswitch``: nobody hung up, the softswitch died, or no server was there to serve the caller.
        """
        self.mailbox.close()
        at = at or self._clock.now()
        if self.state is CallState.OFFERED and self.agent_id is not None and self.offer_id is not None:
            self.offer_failed(self.offer_id, self.agent_id, OfferFailure.CALLER_LEFT)
        outcome, agent_id = self.outcome, self.agent_id if self.state in TALKING else None
        if by_softswitch and outcome is Outcome.ABANDONED:
            outcome = Outcome.SYSTEM_FAILED
        self.move(Move.ENDED)
        self._bus.publish(ContactEnded(at=at, contact_id=self.contact_id, outcome=outcome, agent_id=agent_id))

    # What others see of it.

    @property
    def outcome(self) -> Outcome:
        """How it ends if it ends now."""
        if self.state in TALKING:
            return Outcome.CONNECTED
        in_menu = self.state in (CallState.ENTERED, CallState.IN_MENU)
        return Outcome.SELF_SERVICE if in_menu and self.resolved else Outcome.ABANDONED

    @property
    def talking(self) -> frozenset[AgentId]:
        """The agents whom the call keeps busy, a consulted one included."""
        if self.state not in TALKING or self.agent_id is None:
            return frozenset()
        return frozenset({self.agent_id, *([self.second.agent_id] if self.second else [])})

    @property
    def caller(self) -> Caller:
        known = self._customer
        return Caller(
            contact_id=self.contact_id,
            number=self.number,
            phone=self.phone,
            brand=self.brand,
            tier=known.tier if known else CustomerTier.STANDARD,
            customer_id=known.customer_id if known else None,
            name=known.name if known else None,
            language=known.language if known else None,
        )

    @property
    def view(self) -> CallView:
        needs = self.waiting.requirements if self.waiting else None
        return CallView(
            contact_id=self.contact_id,
            number=self.number,
            caller=self.phone,
            brand=self.brand.name,
            state=self.state,
            entered_at=self.entered_at,
            tier=needs.tier if needs else self.caller.tier,
            queue=needs.queue if needs else None,
            agent_id=self.agent_id,
        )
