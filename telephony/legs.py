"""The agents' legs of one call: which are there, and in what state."""

from collections.abc import Iterator
from datetime import datetime

from switchroom.domain.ids import AgentId, LegId, OfferId
from switchroom.domain.leg import Leg, LegMove, LegState, Party, move


class Legs:
    """An agent's leg is known by the offer that brought it; one that is gone is forgotten."""

    def __init__(self) -> None:
        self._legs: dict[LegId, Leg] = {}

    def __iter__(self) -> Iterator[Leg]:
        """The earliest first."""
        return iter(tuple(self._legs.values()))

    def dial(self, offer_id: OfferId, agent_id: AgentId, at: datetime) -> None:
        """A phone is called; one that is called already stays as it is."""
        leg_id = LegId(offer_id)
        self._legs.setdefault(leg_id, Leg(id=leg_id, party=Party.AGENT, agent_id=agent_id, since=at))

    def move(self, offer_id: OfferId, agent_id: AgentId, what: LegMove, at: datetime) -> None:
        """Something happened to a leg, which may be the first that is heard of it."""
        self.dial(offer_id, agent_id, at)
        leg = move(self._legs[LegId(offer_id)], what, at)
        if leg.state is LegState.GONE:
            del self._legs[leg.id]
        else:
            self._legs[leg.id] = leg

    def up_at(self, offer_id: OfferId) -> datetime | None:
        """When the leg was answered, if it is there and was."""
        leg = self._legs.get(LegId(offer_id))
        return leg.up_at if leg is not None else None
