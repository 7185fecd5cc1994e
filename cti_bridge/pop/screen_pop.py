"""Composes the screen pop: who calls, what they went through, what they had with us before. Pure.

Names and words from outside are carried as plain values, with control and text-direction characters taken out:
what a caller or a CRM writes can neither hide nor rearrange what the agent reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cti_bridge.customers.profiles import Profile
from cti_bridge.masking import inert, mask_phone
from switchroom.domain.brand import Brand
from switchroom.domain.contact import CustomerTier, Talk
from switchroom.domain.customer import Customer, Order
from switchroom.domain.events import OfferMade
from switchroom.domain.history import ContactRecord, TakenInput
from switchroom.domain.ids import AgentId, BrandName, ContactId, OfferId, QueueName, TicketId
from switchroom.domain.ticket import Ticket, TicketState


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerContact:
    """An earlier call of the same customer, in one line."""

    contact_id: ContactId
    entered_at: datetime
    queue: QueueName | None
    agent_id: AgentId | None
    outcome: str | None
    disposition: str | None
    subject: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPop:
    """What the agent sees when a call comes. ``customer`` is None for a stranger; ``phone`` is masked.

    ``answered_at`` and ``ended_at`` are those of the agent's own talk, while others may have the contact.
    """

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId
    number: str
    brand: BrandName
    brand_title: Mapping[str, str]
    phone: str
    tier: CustomerTier
    language: str | None
    queue: QueueName | None
    offered_at: datetime
    ring_timeout_s: int
    entered_at: datetime
    waited_s: float
    answered_at: datetime | None
    ended_at: datetime | None
    ticket_id: TicketId | None
    flow: str | None
    path: Sequence[str]
    inputs: Sequence[TakenInput]
    collected: Mapping[str, str]
    talks: Sequence[Talk] = ()
    """Who of us they talked to before, in this contact."""
    customer: Customer | None = None
    orders: Sequence[Order] = ()
    contacts: Sequence[FormerContact] = ()
    tickets: Sequence[Ticket] = ()


def screen_pop(offer: OfferMade, record: ContactRecord, profile: Profile | None, brand: Brand) -> ScreenPop:
    """The pop of ``offer``; without a profile it still has the number and the way through the menu."""
    waiting_since = record.enqueued_at or record.entered_at
    talk = _own_talk(offer, record)
    pop = ScreenPop(
        contact_id=offer.contact_id,
        offer_id=offer.offer_id,
        agent_id=offer.agent_id,
        number=record.number,
        brand=brand.name,
        brand_title=brand.title,
        phone=mask_phone(record.caller),
        tier=record.tier,
        language=record.language,
        queue=offer.queue or record.queue,
        offered_at=offer.at,
        ring_timeout_s=offer.ring_timeout_s,
        entered_at=record.entered_at,
        waited_s=max(0.0, (offer.at - waiting_since).total_seconds()),
        answered_at=talk.began_at if talk else None,
        ended_at=talk.ended_at if talk and talk.ended_at else record.ended_at,
        ticket_id=record.ticket_id,
        flow=record.flow,
        path=tuple(record.path),
        inputs=tuple(replace(taken, value=inert(taken.value)) for taken in record.inputs),
        collected={inert(name): inert(value) for name, value in record.collected.items()},
        talks=tuple(talk for talk in record.talks if talk.ended_at is not None),
    )
    if profile is None:
        return pop
    customer = profile.customer
    subjects = {ticket.contact_id: inert(ticket.subject) for ticket in profile.tickets}
    return replace(
        pop,
        tier=customer.tier,
        language=record.language or customer.language,
        customer=replace(
            customer,
            name=inert(customer.name),
            note=inert(customer.note),
            phones=tuple(mask_phone(phone) for phone in customer.phones),
            preferences={inert(name): inert(value) for name, value in customer.preferences.items()},
        ),
        orders=tuple(profile.orders),
        contacts=tuple(
            _former(contact, subjects.get(contact.contact_id))
            for contact in profile.contacts
            if contact.contact_id != offer.contact_id
        ),
        tickets=tuple(
            replace(ticket, subject=inert(ticket.subject), note=inert(ticket.note))
            for ticket in profile.tickets
            if ticket.state is not TicketState.CLOSED and ticket.contact_id != offer.contact_id
        ),
    )


def _own_talk(offer: OfferMade, record: ContactRecord) -> Talk | None:
    """That of the offer; where either has no id, as after a restart, the agent's last."""
    own = [talk for talk in record.talks if talk.agent_id == offer.agent_id]
    return next((talk for talk in reversed(own) if not offer.offer_id or talk.offer_id in (None, offer.offer_id)), None)


def _former(contact: ContactRecord, subject: str | None) -> FormerContact:
    return FormerContact(
        contact_id=contact.contact_id,
        entered_at=contact.entered_at,
        queue=contact.queue,
        agent_id=contact.agent_id,
        outcome=contact.outcome,
        disposition=contact.disposition,
        subject=subject,
    )
