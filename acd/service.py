"""The ACD at work: tells the core what happens, and carries out what the core asks for.

State changes are synchronous and made in `acd.core` only; what other servers are to know of them follows
(`acd.shared_line`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import structlog

from acd.channels import Channels
from acd.config import AcdConfig
from acd.core import effects as ef
from acd.core import events as ev
from acd.core.agents import Agent, AgentMove
from acd.core.core import Core
from acd.core.offering import MARGIN_S
from acd.core.offers import OfferState
from acd.core.parameters import Parameters
from acd.core.roster import Roster
from acd.shared_line import SharedLine
from acd.store.port import Store
from acd.translate import ANNOUNCED, HEARD, known_agent
from acd.views import agent_view, queue_views
from switchroom.domain import events as facts
from switchroom.domain.errors import Refused
from switchroom.domain.events import AgentState, AgentStateChanged, OfferMade
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName, TeamName
from switchroom.domain.views import AgentView, QueueView
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock, Timer

log = structlog.get_logger(__name__)

HELD = (AgentState.BUSY, AgentState.WRAP_UP)
"""In these states no other server may reserve the agent; reserved for a question they are held as well."""

REQUESTS = {"available": AgentMove.READY, "paused": AgentMove.PAUSE, "logged_out": AgentMove.LOG_OUT}


class AcdService:
    """The line and the agents of this server. Nothing is offered before the first `Reconciled`.

    Without a ``store`` this server is alone: an offer goes out at once.
    """

    def __init__(
        self,
        config: AcdConfig,
        bus: Bus,
        clock: Clock,
        channels: Channels,
        new_offer_id: Callable[[], OfferId],
        store: Store | None = None,
        make_core: Callable[[Parameters, Callable[[], OfferId], float], Core] = Core,
    ) -> None:
        self._config, self._bus, self._clock, self._channels = config, bus, clock, channels
        # A clock that is set must not move what is due: seconds of the epoch at the start, monotonic from then on.
        self._began = clock.now().timestamp() - clock.monotonic()
        self._core = make_core(config.parameters(), new_offer_id, self._now())
        self._shared = None if store is None else SharedLine(store, clock, self._core.waiting)
        self._tokens: dict[OfferId, int] = {}
        self._tasks = BackgroundTasks()
        self._deliveries: dict[OfferId, asyncio.Task[None]] = {}
        self._effects: deque[ef.Effect] = deque()
        self._carrying_out = False
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self._carry_out: Mapping[type, Callable[[Any], None]] = {
            ef.AgentChanged: self._agent_changed,
            ef.DeskChanged: self._announce,
            ef.Reserve: self._reserve,
            ef.Deliver: self._deliver,
            ef.OfferEnded: self._offer_ended,
            ef.LineJoined: self._line_joined,
            ef.LineLeft: self._line_left,
            ef.LineAligned: self._line_aligned,
            ef.Unserved: self._announce,
            ef.Overflowed: self._overflowed,
        }
        for kind in HEARD:
            bus.subscribe(kind, self._hear)

    async def start(self) -> None:
        if self._shared is not None:
            self._shared.begin(self._config.agents)
            self._tasks.spawn(self._shared.run(), name="acd.shared_line")

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.close()
        if self._shared is not None:
            await self._shared.close()

    @property
    def roster(self) -> Roster:
        """The agents, to read."""
        return self._core.roster

    def agents(self) -> list[AgentView]:
        return [agent_view(agent, self._core) for agent in self._core.roster]

    def agent(self, agent_id: AgentId) -> AgentView | None:
        agent = self._core.roster.get(agent_id)
        return None if agent is None else agent_view(agent, self._core)

    def team(self, name: TeamName) -> frozenset[AgentId]:
        """Who belongs to the team."""
        return frozenset(agent.id for agent in self.agents() if agent.team == name)

    def phones(self) -> Sequence[Extension]:
        """Every phone at which an agent may sit."""
        return self._config.phones

    def queues(self) -> list[QueueView]:
        return queue_views(self._config, self._core)

    def queues_of(self, agent_id: AgentId) -> tuple[QueueName, ...]:
        """The queues that the agent's skills open to them."""
        return self._core.board.queues_of.get(agent_id, ())

    async def set_state(
        self, agent_id: AgentId, state: Literal["available", "paused", "logged_out"], reason: str | None
    ) -> AgentView:
        """Ready, pause or log out, as the agent asks; UnknownAgent if there is none of this number.

        Who sits nowhere, because another took their desk, sits at their own again when they are ready; Refused if
        that is taken.
        """
        if state == "available":
            self.sit(agent_id)
        self.request(agent_id, REQUESTS[state], reason)
        return self._view(agent_id)

    async def take_desk(self, agent_id: AgentId, extension: Extension) -> AgentView:
        """The agent sits at this phone from now on; who sat there is logged out, after their contact if they have one.

        UnknownAgent if there is none of this number, Refused while one of the two phones is in use.
        """
        self._apply(ev.DeskTaken(agent_id, extension))
        return self._view(agent_id)

    def sit(self, agent_id: AgentId) -> None:
        """An agent who sits nowhere sits at their own desk again; Refused if somebody else does."""
        agent, config = self.roster.get(agent_id), self._config.agents.get(agent_id)
        if agent is None or config is None or agent.extension is not None:
            return
        desk = Extension(config.desk or agent_id)
        if self.roster.at_desk(desk) is not None:
            raise Refused(f"Somebody else sits at your phone {desk}: log in with the number of another one.")
        self._apply(ev.DeskTaken(agent_id, desk))

    def request(self, agent_id: AgentId, what: AgentMove, reason: str | None) -> None:
        """As `set_state`."""
        self._apply(ev.StateRequested(agent_id, what, reason))

    def withdraw(self, agent_id: AgentId, what: AgentMove, reason: str | None) -> None:
        """Take back exactly this request, if it still waits for the end of a contact."""
        self._apply(ev.RequestWithdrawn(agent_id, what, reason))

    def restore(self, known: Iterable[AgentStateChanged], desks: Mapping[AgentId, Extension] | None = None) -> None:
        """Take up the agents' last states and desks, as the ledger kept them; before anything else happens."""
        sat = {a: desk for a, desk in (desks or {}).items() if desk in self._config.phones and self.roster.get(a)}
        self._apply(ev.AgentsRestored([known_agent(one) for one in known], sat))

    async def reserve_consulted(self, agent_id: AgentId, contact_id: ContactId) -> Extension:
        """Another agent is to ask this one about the contact: nobody is offered to them from now on, on no server.

        Returns where they sit. `release_consulted` when the softswitch refuses; without a word of it they are free
        again after a while. Raises UnknownAgent, or Refused if they cannot be had.
        """
        self._apply(ev.ConsultRequested(contact_id, agent_id))
        is_ours = self._shared is None or await self._shared.claim(agent_id)
        agent = self.roster.get(agent_id)
        if agent is None or not agent.asked or agent.contact_id != contact_id or agent.extension is None:
            raise Refused("The talk is over.")
        if not is_ours:
            self.release_consulted(agent_id, contact_id)
            raise Refused(f"Agent {agent_id} is busy.")
        return agent.extension

    def release_consulted(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Nothing comes of `reserve_consulted`; without effect once the consultation has begun."""
        self._apply(ev.ConsultRefused(contact_id, agent_id))

    def _view(self, agent_id: AgentId) -> AgentView:
        view = self.agent(agent_id)
        assert view is not None
        return view

    def _hear(self, event: facts.Event) -> None:
        if isinstance(event, facts.ContactQueued) and event.requirements.queue not in self._config.queues:
            queue, used = event.requirements.queue, self._config.fallback
            log.error("acd.unknown_queue", queue=queue, contact_id=event.contact_id, used=used)
        heard = HEARD[type(event)](event)
        if heard is not None:
            self._apply(heard)

    def _now(self) -> float:
        return self._began + self._clock.monotonic()

    def _apply(self, event: ev.Event) -> None:
        self._effects.extend(self._core.apply(event, self._now()))
        if self._carrying_out:
            return  # what carries out the effects before these comes to them as well, in order
        self._carrying_out = True
        try:
            while self._effects:
                effect = self._effects.popleft()
                self._carry_out[type(effect)](effect)
        finally:
            self._carrying_out = False
            self._arm()

    def _arm(self) -> None:
        """One timer, for the earliest that is due; one that fires too early does nothing."""
        due = self._core.next_due
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._clock.call_later(max(0.0, due - self._now()), self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        self._apply(ev.TimePassed())

    # Effects.

    def _announce(self, effect: ef.Effect) -> None:
        self._bus.publish(ANNOUNCED[type(effect)](effect, self._clock.now()))

    def _agent_changed(self, effect: ef.AgentChanged) -> None:
        if self._shared is not None:
            agent = self._core.roster.get(effect.agent_id)
            assert agent is not None
            if self._is_held(agent):
                self._shared.hold(agent.id)
            elif not agent.asked:  # else `reserve_consulted` asks the other servers
                self._shared.let_go(agent.id)
        self._announce(effect)

    def _is_held(self, agent: Agent) -> bool:
        """Busy, or another agent's question rings: no other server may reserve them."""
        if agent.state is AgentState.RESERVED:
            return not agent.asked and self._core.offers.to(agent) is None
        return agent.state in HELD

    def _reserve(self, effect: ef.Reserve) -> None:
        offer = effect.offer
        if self._shared is None:
            self._apply(ev.OfferConfirmed(offer.contact_id, offer.id))
            return

        def reserved(token: int | None, taken: bool) -> None:
            if self._core.offers.get(offer.contact_id, offer.id) is None:
                if token is not None and self._shared is not None:
                    self._shared.released(token)
            elif taken:
                self._apply(ev.OfferContested(offer.contact_id, offer.id))
            else:
                if token is not None:
                    self._tokens[offer.id] = token
                self._apply(ev.OfferConfirmed(offer.contact_id, offer.id))

        self._shared.reserve(offer.entry, offer.agent_id, offer.timeout_s + MARGIN_S, reserved)

    def _deliver(self, effect: ef.Deliver) -> None:
        offer = effect.offer
        made = OfferMade(
            at=self._clock.now(),
            contact_id=offer.contact_id,
            offer_id=offer.id,
            agent_id=offer.agent_id,
            extension=effect.extension,
            queue=offer.entry.requirements.queue,
            ring_timeout_s=int(offer.timeout_s),
            channel=offer.entry.requirements.channel,
            head_start_s=round(offer.entry.enqueued_at - offer.entry.rank[0], 1),
        )
        self._bus.publish(made)
        self._deliveries[offer.id] = self._tasks.spawn(self._bring(made), name="acd.deliver")

    async def _bring(self, made: OfferMade) -> None:
        try:
            await self._channels.deliver(made)
        except Exception:
            log.exception("acd.delivery_failed", contact_id=made.contact_id, offer_id=made.offer_id)
            self._deliveries.pop(made.offer_id, None)
            self._bus.publish(
                facts.OfferFailed(
                    at=self._clock.now(),
                    contact_id=made.contact_id,
                    offer_id=made.offer_id,
                    agent_id=made.agent_id,
                    failure=facts.OfferFailure.SWITCH_FAILED,
                )
            )
        else:
            self._deliveries.pop(made.offer_id, None)
            self._apply(ev.OfferDelivered(made.contact_id, made.offer_id))

    def _offer_ended(self, effect: ef.OfferEnded) -> None:
        offer = effect.offer
        delivery = self._deliveries.pop(offer.id, None)
        if delivery is not None and effect.state is not OfferState.ACCEPTED:
            delivery.cancel()
        token = self._tokens.pop(offer.id, None)
        if token is not None and self._shared is not None:
            if effect.state is OfferState.ACCEPTED:
                self._shared.hold(offer.agent_id)  # before the reservation ends: no other server comes between
            self._shared.released(token)
        if effect.unheard:
            log.error("acd.offer_timed_out", contact_id=offer.contact_id, agent_id=offer.agent_id)

    def _overflowed(self, effect: ef.Overflowed) -> None:
        self._channels.keep_requirements(effect.contact_id, effect.requirements)
        self._announce(effect)

    def _line_joined(self, effect: ef.LineJoined) -> None:
        if self._shared is not None:
            self._shared.joined(effect.entry)

    def _line_left(self, effect: ef.LineLeft) -> None:
        if self._shared is not None:
            self._shared.left(effect.contact_id)

    def _line_aligned(self, effect: ef.LineAligned) -> None:
        if self._shared is not None:
            self._shared.align()
            for agent in self._core.roster:
                if self._is_held(agent):
                    self._shared.hold(agent.id)
