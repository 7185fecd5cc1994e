"""The softswitch as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchroom.domain.events.base import Event
from switchroom.domain.ids import AgentId, ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchLost(Event):
    """The softswitch cannot be steered now; calls go on in it. Nothing is offered until `Reconciled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Event):
    """Our state is that of the softswitch again. Whatever refers to a call not in ``live`` is over.

    ``talking`` maps each agent who talks to their call: nobody else does.
    """

    live: frozenset[ContactId]
    talking: Mapping[AgentId, ContactId] = field(default_factory=dict)
