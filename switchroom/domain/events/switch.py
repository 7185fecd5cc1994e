"""The softswitch as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchroom.domain.contact import VOICE
from switchroom.domain.events.base import Event
from switchroom.domain.ids import AgentId, ChannelName, ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchLost(Event):
    """The softswitch cannot be steered now; calls go on in it. Nothing is offered until `Reconciled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Event):
    """What is known of a channel's contacts is as it is there: those not in ``live`` are over.

    ``talking`` maps each agent who serves one to that contact: nobody else serves one of this channel.
    """

    live: frozenset[ContactId]
    talking: Mapping[AgentId, ContactId] = field(default_factory=dict)
    channel: ChannelName = VOICE
