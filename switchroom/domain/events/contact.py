"""A contact comes, is known, is served, and ends."""

from dataclasses import dataclass, field
from datetime import datetime

from switchroom.domain.call import CallState
from switchroom.domain.contact import VOICE, CustomerTier, Outcome, Waiting
from switchroom.domain.events.base import Event, Personal, personal
from switchroom.domain.ids import AgentId, BrandName, ChannelName, ContactId, CustomerId, OfferId, QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEvent(Event):
    """Something that happened to one contact."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEntered(ContactEvent):
    """A customer came. Of a call, both numbers are digits with an optional leading ``+``, else empty."""

    number: str
    caller: str = field(metadata=personal(Personal.PERSON, erased=""))
    brand: BrandName
    channel: ChannelName = VOICE


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAdopted(ContactEvent):
    """A call was found live in the softswitch after a restart or a lost connection, and goes on from ``state``."""

    number: str
    caller: str = field(metadata=personal(Personal.PERSON, erased=""))
    brand: BrandName
    entered_at: datetime
    state: CallState
    agent_id: AgentId | None = None
    offer_id: OfferId | None = None
    waiting: Waiting | None = None
    answered_at: datetime | None = None
    channel: ChannelName = VOICE


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRefused(ContactEvent):
    """A call was told "busy", because as many as fit were here: it is over, and lost."""

    number: str
    caller: str = field(metadata=personal(Personal.PERSON, erased=""))
    brand: BrandName


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentified(ContactEvent):
    """The caller's number was looked up. ``customer_id`` is None for a stranger."""

    customer_id: CustomerId | None = field(metadata=personal(Personal.PERSON, erased=None))
    tier: CustomerTier = CustomerTier.STANDARD
    name: str | None = field(default=None, metadata=personal(Personal.PERSON, erased=None))
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactConnected(ContactEvent):
    """Agent and caller talk. ``offer_id`` is None for a talk of which only the softswitch's record tells."""

    agent_id: AgentId
    offer_id: OfferId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded(ContactEvent):
    """Agent and customer talk no more, since ``at``; the contact goes on, or ends next."""

    agent_id: AgentId
    offer_id: OfferId
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTransferred(ContactEvent):
    """An agent sent the contact back into line, for another queue."""

    agent_id: AgentId
    queue: QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEnded(ContactEvent):
    """The call is over, in exactly one of the outcomes. ``agent_id`` is the one who talked, if one did."""

    outcome: Outcome
    agent_id: AgentId | None = None
