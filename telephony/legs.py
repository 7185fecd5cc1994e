"""The legs of one call: which are there, and in what state."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from switchroom.domain.ids import AgentId, ContactId, LegId, OfferId
from switchroom.domain.leg import Leg, LegMove, LegState, Party, move


@dataclass(frozen=True, slots=True)
class Consulted:
    """The second agent of a call: asked by the first, or with both in a conference."""

    agent_id: AgentId
    offer_id: OfferId


class Legs:
    """The caller's leg has the id of the contact, an agent's that of the offer (or consultation) that brought it.

    One that is gone is forgotten.
    """

    def __init__(self) -> None:
        self._legs: dict[LegId, Leg] = {}

    def __iter__(self) -> Iterator[Leg]:
        """The earliest first."""
        return iter(tuple(self._legs.values()))

    def caller(self, contact_id: ContactId, at: datetime) -> None:
        """The caller is here, since ``at``."""
        leg_id = LegId(contact_id)
        self._legs[leg_id] = Leg(id=leg_id, party=Party.CALLER, since=at, state=LegState.UP, up_at=at)

    def move_caller(self, contact_id: ContactId, what: LegMove, at: datetime) -> None:
        self._move(self._legs[LegId(contact_id)], what, at)

    def dial(self, offer_id: OfferId, agent_id: AgentId, at: datetime, party: Party = Party.AGENT) -> None:
        """A phone is called; one that is called already stays as it is."""
        leg_id = LegId(offer_id)
        self._legs.setdefault(leg_id, Leg(id=leg_id, party=party, agent_id=agent_id, since=at))

    def move(self, offer_id: OfferId, agent_id: AgentId, what: LegMove, at: datetime) -> None:
        """Something happened to an agent's leg, which may be the first that is heard of it."""
        self.dial(offer_id, agent_id, at)
        self._move(self._legs[LegId(offer_id)], what, at)

    def take_over(self, offer_id: OfferId) -> None:
        """Who was consulted is the caller's agent from now on."""
        if (leg := self._legs.get(LegId(offer_id))) is not None:
            self._legs[leg.id] = leg.as_party(Party.AGENT)

    def up_at(self, offer_id: OfferId) -> datetime | None:
        """When the leg was answered, if it is there and was."""
        leg = self._legs.get(LegId(offer_id))
        return leg.up_at if leg is not None else None

    def _move(self, leg: Leg, what: LegMove, at: datetime) -> None:
        moved = move(leg, what, at)
        if moved.state is LegState.GONE:
            del self._legs[leg.id]
        else:
            self._legs[leg.id] = moved
