"""The ACD at work: keeps the line, offers contacts to agents, and says why.

State changes are synchronous and made here only; what other servers are to know of them follows (`acd.shared_line`).
"""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import structlog

from acd.agents import Agent, AgentMove
from acd.board import Board
from acd.config import AcdConfig
from acd.explain import decision
from acd.offers import BLAMED, OUTCOMES, Offer
from acd.policy import line_key, meets
from acd.roster import Roster
from acd.routing import Match, QueueEntry, RoutingIndex
from acd.shared_line import SharedLine
from acd.store.port import Store
from acd.unserved import Unserved
from switchroom.domain.call import CallState
from switchroom.domain.contact import Waiting
from switchroom.domain.events import (
    AgentState,
    ContactAdopted,
    ContactConnected,
    ContactEnded,
    ContactQueued,
    DecisionMade,
    OfferFailed,
    OfferFailure,
    OfferMade,
    PhoneChanged,
    PlaceChanged,
    Reconciled,
    SwitchLost,
    TalkEnded,
)
from switchroom.domain.ids import AgentId, ContactId, OfferId, QueueName, TeamName
from switchroom.domain.views import AgentView, QueueView
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock

log = structlog.get_logger(__name__)

LEASE_MARGIN_S = 10.0
"""How much longer than the phone rings an offer lives, here and in the store: whatever is not heard of it by then,
nobody stays reserved."""

RETRY_S = 1.0
"""When a reservation or a ring was refused, the line is looked at again after this time."""

COUNTED_LINE = 500
"""Of a longer line it is not counted whom a head-start has passed: no call waits for that."""

REQUESTS = {"available": AgentMove.READY, "paused": AgentMove.PAUSE, "logged_out": AgentMove.LOG_OUT}


class AcdService:
    """The line and the agents of this server. Nothing is offered before the first `Reconciled`."""

    def __init__(
        self, config: AcdConfig, store: Store, bus: Bus, clock: Clock, new_offer_id: Callable[[], OfferId]
    ) -> None:
        self._config = config
        self._shared = SharedLine(store, clock, self._line)
        self._bus = bus
        self._clock = clock
        self._new_offer_id = new_offer_id
        self._index = RoutingIndex()
        self._offers: dict[ContactId, Offer] = {}
        self._tasks = BackgroundTasks()
        self._steerable = False
        self._on_duty: set[AgentId] = set()
        self._looking: asyncio.Task[None] | None = None
        self.roster = Roster(config, bus, clock, self._agent_changed)
        self._board = Board(config)
        self._unserved = Unserved(config, bus, clock, lambda: self.roster)
        bus.subscribe(ContactQueued, self._on_queued)
        bus.subscribe(PlaceChanged, self._on_place_changed)
        bus.subscribe(ContactAdopted, self._on_adopted)
        bus.subscribe(ContactConnected, self._on_connected)
        bus.subscribe(OfferFailed, self._on_offer_failed)
        bus.subscribe(ContactEnded, self._on_ended)
        bus.subscribe(TalkEnded, lambda event: self.roster.release(event.agent_id, event.contact_id, event.at))
        bus.subscribe(PhoneChanged, lambda event: self.roster.phone(event.extension, event.registered))
        bus.subscribe(SwitchLost, self._on_switch_lost)
        bus.subscribe(Reconciled, self._on_reconciled)

    async def start(self) -> None:
        self._shared.begin()
        self._tasks.spawn(self._shared.run(), name="acd.shared_line")

    async def stop(self) -> None:
        self.roster.stop()
        self._unserved.stop()
        await self._tasks.close()
        await self._shared.close()

    def agents(self) -> list[AgentView]:
        return [self._board.agent(agent) for agent in self.roster]

    def agent(self, agent_id: AgentId) -> AgentView | None:
        agent = self.roster.get(agent_id)
        return None if agent is None else self._board.agent(agent)

    def team(self, name: TeamName) -> frozenset[AgentId]:
        """Who belongs to the team."""
        return frozenset(agent.id for agent in self.agents() if agent.team == name)

    def queues(self) -> list[QueueView]:
        return self._board.queues(self._unserved.count)

    def queues_of(self, agent_id: AgentId) -> tuple[QueueName, ...]:
        return self._board.queues_of(agent_id)

    async def set_state(
        self, agent_id: AgentId, state: Literal["available", "paused", "logged_out"], reason: str | None
    ) -> AgentView:
        """Ready, pause or log out, as the agent asks; UnknownAgent if there is none of this number."""
        return self._board.agent(self.roster.ask(agent_id, REQUESTS[state], reason))

    # What happens to calls.

    def _on_queued(self, event: ContactQueued) -> None:
        if event.contact_id in self._index or event.contact_id in self._offers:
            return
        entry = self._entry(event.contact_id, Waiting(event.requirements, event.enqueued_at))
        self._shared.joined(entry)
        self._board.joined(entry)
        self._index.add_entry(entry)
        self._unserved.joined(entry)
        self._route_entry(entry)

    def _on_place_changed(self, event: PlaceChanged) -> None:
        """Other requirements, the same time waited."""
        entry = self._entry(event.contact_id, Waiting(event.requirements, event.enqueued_at))
        offer = self._offers.get(event.contact_id)
        if offer is not None:
            self._board.joined(entry)
            self._offers[event.contact_id] = replace(offer, entry=entry)
        elif self._index.remove_entry(event.contact_id) is not None:
            self._shared.left(event.contact_id)
            self._shared.joined(entry)
            self._board.joined(entry)
            self._index.add_entry(entry)
            self._unserved.joined(entry)
            self._route_entry(entry)

    def _on_adopted(self, event: ContactAdopted) -> None:
        """After a restart: an agent found ringing or talking is not free, and the offer that rings goes on."""
        if event.agent_id is None:
            return
        # An agent who is no longer in agents.yaml may still be rung: nobody to reserve, but the caller is kept.
        agent = self.roster.get(event.agent_id)
        queue = event.waiting.requirements.queue if event.waiting else None
        if event.state is CallState.CONNECTED and agent is not None:
            self.roster.adopt(agent.id, AgentState.BUSY, event.contact_id, queue, event.answered_at or event.at)
        elif event.state is CallState.RINGING and event.waiting is not None:
            self._index.remove_entry(event.contact_id)
            given_up = self._offers.pop(event.contact_id, None)
            if given_up is not None:
                self._release(given_up)
                if given_up.agent_id != event.agent_id:
                    self.roster.release(given_up.agent_id, event.contact_id)
            if agent is not None:
                self.roster.adopt(agent.id, AgentState.RESERVED, event.contact_id, queue, event.at)
            entry = self._entry(event.contact_id, event.waiting)
            self._shared.joined(entry)
            self._board.joined(entry)
            offer_id = event.offer_id or self._new_offer_id()
            self._keep(Offer(id=offer_id, agent_id=event.agent_id, entry=entry, made_at=event.at))

    def _on_connected(self, event: ContactConnected) -> None:
        offer = self._offers.get(event.contact_id)
        self._served(event.contact_id)
        agent = self.roster.get(event.agent_id)
        if agent is not None and (agent.state, agent.contact_id) == (AgentState.RESERVED, event.contact_id):
            self.roster.connect(agent.id, event.at)
        elif agent is not None and agent.state is not AgentState.BUSY:
            # An offer that was given up here had gone through in the softswitch: that is how it is.
            queue = offer.entry.waiting.requirements.queue if offer else None
            stale = (
                self._offers.get(agent.contact_id)
                if agent.contact_id and agent.contact_id != event.contact_id
                else None
            )
            self.roster.adopt(agent.id, AgentState.BUSY, event.contact_id, queue, event.at)
            if stale is not None and stale.agent_id == agent.id:
                self._release(stale)
                self._give_back(stale)
        for other in self.roster.engaged_with(event.contact_id) - {event.agent_id}:
            self.roster.release(other, event.contact_id)

    def _on_offer_failed(self, event: OfferFailed) -> None:
        offer = self._offers.get(event.contact_id)
        if offer is not None and event.failure is OfferFailure.SWITCH_FAILED:
            # It would refuse again at once: the same two would be offered to each other without a pause.
            self._release(offer)
            self._clock.call_later(RETRY_S, lambda: self._give_back(offer))
            return
        self._offers.pop(event.contact_id, None)
        agent = self.roster.get(event.agent_id)
        if offer is not None and event.failure is OfferFailure.CALLER_LEFT:
            self._shared.left(event.contact_id)
            self._board.left(event.contact_id)
        elif offer is not None:
            # The contact is back in its old place before the agent can be matched again.
            self._index.add_entry(offer.entry)
            self._unserved.joined(offer.entry)
            self._release(offer)
        if agent is not None and (agent.state, agent.contact_id) == (AgentState.RESERVED, event.contact_id):
            if OUTCOMES[event.failure] in BLAMED:
                self.roster.ring_no_answer(agent.id)
            else:
                self.roster.release(agent.id, event.contact_id)
        if offer is not None and offer.contact_id in self._index:
            self._route_entry(offer.entry)

    def _on_ended(self, event: ContactEnded) -> None:
        self._served(event.contact_id)
        for agent_id in self.roster.engaged_with(event.contact_id):
            self.roster.release(agent_id, event.contact_id, event.at)

    def _on_switch_lost(self, event: SwitchLost) -> None:
        self._steerable = False

    def _on_reconciled(self, event: Reconciled) -> None:
        for entry in self._line():
            if entry.contact_id not in event.live:
                self._served(entry.contact_id)
        for agent in self.roster:
            if not self._is_engaged(agent, event):
                self.roster.release(agent.id, agent.contact_id)
        self._shared.align()
        self._count_duty()
        self._steerable = True
        for agent in self.roster:
            self._route_agent(agent)

    def _is_engaged(self, agent: Agent, event: Reconciled) -> bool:
        """Reserved by an offer that lives, or talking: nobody else has a call."""
        if agent.state is AgentState.RESERVED and agent.contact_id is not None:
            offer = self._offers.get(agent.contact_id)
            return offer is not None and offer.agent_id == agent.id
        return agent.state is AgentState.BUSY and event.talking.get(agent.id) == agent.contact_id

    def _served(self, contact_id: ContactId) -> None:
        """The contact is out of the line, whatever the reason."""
        offer = self._offers.pop(contact_id, None)
        self._unserved.left(contact_id)
        self._board.left(contact_id)
        if self._index.remove_entry(contact_id) is not None or offer is not None:
            self._shared.left(contact_id)

    def _entry(self, contact_id: ContactId, waiting: Waiting) -> QueueEntry:
        """The contact's place, with what its queue requires of every contact added to its own needs."""
        needs = waiting.requirements
        queue = needs.queue if needs.queue in self._config.queues else self._config.fallback
        if queue != needs.queue:
            log.error("acd.unknown_queue", queue=needs.queue, contact_id=contact_id, used=queue)
        skills = dict(needs.skills)
        for skill, level in self._config.queues[queue].skills.items():
            skills[skill] = max(level, skills.get(skill, 0))
        waiting = replace(waiting, requirements=replace(needs, queue=queue, skills=skills))
        return QueueEntry(contact_id, waiting, line_key(waiting.enqueued_at, needs.tier, self._config.head_start))

    # Routing.

    def _agent_changed(self, agent: Agent) -> None:
        self._board.agent_changed(agent)
        if (agent.state is not AgentState.LOGGED_OUT) is not (agent.id in self._on_duty):
            self._count_duty()
        if agent.eligible:
            self._index.add_agent(agent.id, agent.skills, agent.since)
            self._route_agent(agent)
        else:
            self._index.remove_agent(agent.id)

    def _count_duty(self) -> None:
        on_duty = {agent.id for agent in self.roster if agent.state is not AgentState.LOGGED_OUT}
        if on_duty != self._on_duty:
            self._on_duty = on_duty
            if self._looking is not None:
                self._looking.cancel()
            look = self._unserved.duty_changed(list(self._index.entries()), self._index.__contains__)
            self._looking = self._tasks.spawn(look, name="acd.unserved")

    def _route_entry(self, entry: QueueEntry) -> None:
        if not self._steerable:
            return
        match = self._index.match_entry(entry.contact_id)
        if match is not None:
            self._offer(match)
        else:
            self._explain(entry, None)

    def _route_agent(self, agent: Agent) -> None:
        if self._steerable and (match := self._index.match_agent(agent.id)) is not None:
            self._offer(match)

    def _offer(self, match: Match) -> None:
        entry, now = match.entry, self._clock.now()
        reasons = self._reasons(entry, match.agent_id)
        offer = Offer(id=self._new_offer_id(), agent_id=match.agent_id, entry=entry, made_at=now)
        self._keep(offer)
        self._index.remove_entry(entry.contact_id)
        self.roster.reserve(match.agent_id, entry.contact_id, entry.waiting.requirements.queue)
        self._shared.reserve(
            entry,
            match.agent_id,
            self._ring_timeout_s(entry) + LEASE_MARGIN_S,
            functools.partial(self._reserved, offer),
        )
        self._bus.publish(DecisionMade(at=now, contact_id=entry.contact_id, decision=reasons))

    def _explain(self, entry: QueueEntry, chosen: AgentId | None) -> None:
        reasons = self._reasons(entry, chosen)
        self._bus.publish(DecisionMade(at=self._clock.now(), contact_id=entry.contact_id, decision=reasons))

    def _reasons(self, entry: QueueEntry, chosen: AgentId | None) -> dict[str, object]:
        return decision(entry, chosen, self.roster, self._overtaken(entry, chosen), self._clock.now())

    def _overtaken(self, entry: QueueEntry, chosen: AgentId | None) -> int | None:
        """How many came earlier and could have had this agent, had there been no head-start; None of a long line."""
        agent = self.roster.get(chosen)
        came = entry.waiting.enqueued_at
        if agent is None or entry.key == came.timestamp():
            return 0
        if len(self._index) > COUNTED_LINE:
            return None
        return sum(
            other.waiting.enqueued_at < came and meets(other.waiting.requirements.skills, agent.skills)
            for other in self._index.entries()
        )

    def _reserved(self, offer: Offer, token: int | None, taken: bool) -> None:
        """What the store said of an offer that was made here meanwhile."""
        present = self._offers.get(offer.contact_id)
        if present is None or present.id != offer.id:
            if token is not None:
                self._shared.released(token)
        elif taken:
            self._clock.call_later(RETRY_S, lambda: self._give_back(offer))
        else:
            self._offers[offer.contact_id] = replace(present, token=token)
            self._bus.publish(
                OfferMade(
                    at=self._clock.now(),
                    contact_id=offer.contact_id,
                    offer_id=offer.id,
                    agent_id=offer.agent_id,
                    extension=self.roster.extension(offer.agent_id),
                    queue=offer.entry.waiting.requirements.queue,
                    ring_timeout_s=self._ring_timeout_s(offer.entry),
                )
            )

    def _keep(self, offer: Offer) -> None:
        """The offer lives from now on, until something ends it: at the latest its own time-out."""
        self._offers[offer.contact_id] = offer
        lives_s = self._ring_timeout_s(offer.entry) + LEASE_MARGIN_S
        self._clock.call_later(lives_s, lambda: self._time_out(offer))

    def _time_out(self, offer: Offer) -> None:
        """Nothing was heard of the offer: it is given up here, unless the softswitch cannot be heard now.

        Then the reconciliation tells what became of it; should it not, the offer has as much time again.
        """
        present = self._offers.get(offer.contact_id)
        if present is None or present.id != offer.id:
            return
        log.error(
            "acd.offer_timed_out", contact_id=offer.contact_id, agent_id=offer.agent_id, steerable=self._steerable
        )
        if self._steerable:
            self._release(present)
            self._give_back(present)
        else:
            self._keep(present)

    def _give_back(self, offer: Offer) -> None:
        """Another server holds the agent or the contact, or nothing could be rung: both are free here again."""
        present = self._offers.get(offer.contact_id)
        if present is not None and present.id == offer.id:
            del self._offers[offer.contact_id]
            self._index.add_entry(present.entry)
            self._unserved.joined(present.entry)
            self.roster.release(offer.agent_id, offer.contact_id)
            if offer.contact_id in self._index:  # the agent has left, or got another: somebody else may be free
                self._route_entry(present.entry)

    def _release(self, offer: Offer) -> None:
        if offer.token is not None:
            self._shared.released(offer.token)

    def _ring_timeout_s(self, entry: QueueEntry) -> int:
        return int(self._config.queues[entry.waiting.requirements.queue].ring_timeout.total_seconds())

    def _line(self) -> list[QueueEntry]:
        """Everybody who waits, those who are offered included."""
        return [*self._index.entries(), *(offer.entry for offer in self._offers.values())]
