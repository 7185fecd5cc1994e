"""The offers that live, and their time."""

from collections.abc import Callable, Iterator

from acd.core.agents import Agent
from acd.core.due import Due, What
from acd.core.effects import Effect, OfferEnded
from acd.core.line import QueueEntry
from acd.core.offers import Offer, OfferMove
from acd.core.parameters import Parameters
from switchroom.domain.ids import AgentId, ContactId, OfferId

MARGIN_S = 10.0
"""How much longer than its agent has to take it an offer lives: with nothing heard of it by then, nobody stays
reserved."""

RETRY_S = 1.0
"""When an offer could not go out, the line is looked at again after this time."""


class Offers:
    """At most one for each contact."""

    def __init__(
        self, parameters: Parameters, new_offer_id: Callable[[], OfferId], due: Due, effects: list[Effect]
    ) -> None:
        self._parameters, self._new_id, self._due, self._effects = parameters, new_offer_id, due, effects
        self._living: dict[ContactId, Offer] = {}

    def __contains__(self, contact_id: ContactId) -> bool:
        return contact_id in self._living

    def __iter__(self) -> Iterator[Offer]:
        return iter(self._living.values())

    def __len__(self) -> int:
        return len(self._living)

    def of(self, contact_id: ContactId | None) -> Offer | None:
        return None if contact_id is None else self._living.get(contact_id)

    def to(self, agent: Agent) -> Offer | None:
        """The offer by which the agent is reserved."""
        offer = self.of(agent.contact_id)
        return offer if offer is not None and offer.agent_id == agent.id else None

    def get(self, contact_id: ContactId, offer_id: OfferId) -> Offer | None:
        """The contact's offer, if it is this one."""
        offer = self._living.get(contact_id)
        return offer if offer is not None and offer.id == offer_id else None

    def make(self, entry: QueueEntry, agent_id: AgentId, now: float) -> Offer:
        offer = Offer(id=self._new_id(), agent_id=agent_id, entry=entry, timeout_s=self._timeout_s(entry))
        self.keep(offer, now)
        return offer

    def found(self, entry: QueueEntry, agent_id: AgentId, offer_id: OfferId | None, now: float) -> Offer:
        """An offer of before a restart: its agent's phone rings."""
        offer = Offer(
            id=offer_id or self._new_id(),
            agent_id=agent_id,
            entry=entry,
            timeout_s=self._timeout_s(entry),
            id_is_ours=offer_id is None,
        )
        offer.move(OfferMove.DELIVER)
        self.keep(offer, now)
        return offer

    def keep(self, offer: Offer, now: float) -> None:
        """The offer lives from now on, until something ends it: at the latest its own time-out."""
        offer.withdrawn = False
        self._living[offer.contact_id] = offer
        self._due.set((What.OFFER, offer.contact_id), now + offer.timeout_s + MARGIN_S)

    def withdraw(self, offer: Offer, now: float) -> None:
        """It cannot go out, and could not now: it ends after a while, so that the same two are not offered to each
        other without a pause."""
        offer.withdrawn = True
        self._due.set((What.OFFER, offer.contact_id), now + RETRY_S)

    def end(self, offer: Offer, move: OfferMove, *, unheard: bool = False) -> None:
        offer.move(move)
        del self._living[offer.contact_id]
        self._due.cancel((What.OFFER, offer.contact_id))
        self._effects.append(OfferEnded(offer, offer.state, unheard))

    def _timeout_s(self, entry: QueueEntry) -> float:
        return self._parameters.queues[entry.requirements.queue].offer_timeout_s
