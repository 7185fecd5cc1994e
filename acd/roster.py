"""The agents: their states, what they asked for meanwhile, and the timers of wrap-up.

Every change is published; the one listener (the ACD) hears of each agent who became free or ceased to be.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from acd.agents import DEFERRED, REQUESTED_STATE, Agent, AgentMove, move
from acd.config import AcdConfig, QueueConfig
from switchroom.domain.errors import UnknownAgent
from switchroom.domain.events import AgentState, AgentStateChanged, DeskChanged
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock, Timer

DEFAULT_WRAP_UP: timedelta = QueueConfig.model_fields["wrap_up"].default


class Roster:
    """All agents of ``agents.yaml``."""

    def __init__(self, config: AcdConfig, bus: Bus, clock: Clock, on_change: Callable[[Agent], None]) -> None:
        self._config = config
        self._bus = bus
        self._clock = clock
        self._on_change = on_change
        self._wrap_ups: dict[AgentId, Timer] = {}
        self._engaged_with: defaultdict[ContactId, set[AgentId]] = defaultdict(set)
        now = clock.now()
        self._agents = {
            agent_id: Agent(id=agent_id, extension=Extension(agent_id), name=agent.name, skills=agent.skills, since=now)
            for agent_id, agent in config.agents.items()
        }

    def __iter__(self) -> Iterator[Agent]:
        return iter(tuple(self._agents.values()))

    def get(self, agent_id: AgentId | None) -> Agent | None:
        return None if agent_id is None else self._agents.get(agent_id)

    def extension(self, agent_id: AgentId) -> Extension:
        """The phone where the agent sits."""
        return self._agents[agent_id].extension

    def restore(self, known: Iterable[AgentStateChanged]) -> None:
        """Take up the last states, as the ledger kept them."""
        for event in known:
            agent = self._agents.get(event.agent_id)
            if agent is None:
                continue
            self._keep(
                replace(
                    agent,
                    state=event.state,
                    since=event.at,
                    reason=event.reason,
                    contact_id=event.contact_id,
                    until=event.until,
                    queue=event.queue,
                    requested=_requested(event),
                )
            )
            if event.state is AgentState.WRAP_UP:
                self._end_wrap_up_at(agent.id, event.until or self._clock.now())
            self._on_change(self._agents[agent.id])

    def engaged_with(self, contact_id: ContactId) -> frozenset[AgentId]:
        """The agents who are reserved for the call, talk in it, or write it up."""
        return frozenset(self._engaged_with.get(contact_id, ()))

    def _keep(self, agent: Agent) -> None:
        before = self._agents.get(agent.id)
        if before is not None and before.contact_id is not None and before.contact_id != agent.contact_id:
            self._engaged_with[before.contact_id].discard(agent.id)
            if not self._engaged_with[before.contact_id]:
                del self._engaged_with[before.contact_id]
        if agent.contact_id is not None:
            self._engaged_with[agent.contact_id].add(agent.id)
        self._agents[agent.id] = agent

    def ask(self, agent_id: AgentId, what: AgentMove, reason: str | None = None) -> Agent:
        """What a person asks for: ready, pause, log out. During a call it is kept until the call is over."""
        if agent_id not in self._agents:
            raise UnknownAgent(agent_id)
        self._put(move(self._agents[agent_id], what, self._clock.now(), reason=reason))
        return self._agents[agent_id]

    def withdraw(self, agent_id: AgentId, what: AgentMove, reason: str | None) -> None:
        """Take back exactly this request, if it still waits for the end of the call."""
        agent = self._agents.get(agent_id)
        if agent is not None and agent.requested == (what, reason):
            self._put(replace(agent, requested=None))

    def reserve(self, agent_id: AgentId, contact_id: ContactId, queue: QueueName) -> None:
        self._put(
            replace(
                move(self._agents[agent_id], AgentMove.RESERVE, self._clock.now()), contact_id=contact_id, queue=queue
            )
        )

    def connect(self, agent_id: AgentId, at: datetime) -> None:
        self._engaged(agent_id, AgentMove.CONNECT, at)

    def ring_no_answer(self, agent_id: AgentId) -> None:
        """The agent's phone did not bring the call to a person: paused, so that the next caller is spared."""
        self._engaged(agent_id, AgentMove.MISS, self._clock.now(), "ring_no_answer")

    def release(self, agent_id: AgentId, contact_id: ContactId | None, at: datetime | None = None) -> None:
        """This call of the agent is over (since ``at``, or now), or came to nothing through no fault of theirs.

        An agent who has another call by now keeps it.
        """
        agent = self._agents.get(agent_id)
        if agent is None or agent.contact_id != contact_id:
            return
        if agent.state is AgentState.BUSY:
            self._engaged(agent_id, AgentMove.FINISH, at or self._clock.now())
        elif agent.state is AgentState.RESERVED:
            self._engaged(agent_id, AgentMove.RELEASE, self._clock.now())

    def adopt(
        self, agent_id: AgentId, state: AgentState, contact_id: ContactId, queue: QueueName | None, since: datetime
    ) -> None:
        """The softswitch holds the agent reserved or busy: that is how it is."""
        agent = self._agents[agent_id]
        if (agent.state, agent.contact_id) != (state, contact_id):
            queue = queue or (agent.queue if agent.contact_id == contact_id else None)
            self._put(
                replace(agent, state=state, since=since, reason=None, until=None, contact_id=contact_id, queue=queue)
            )

    def phone(self, extension: Extension, registered: bool) -> None:
        """A phone registered, or went away: the agent who sits there can be reached, or not."""
        for agent in tuple(self._agents.values()):
            if agent.extension == extension and agent.phone_registered != registered:
                self._keep(replace(agent, phone_registered=registered))
                now = self._clock.now()
                changed = DeskChanged(at=now, agent_id=agent.id, extension=extension, phone_registered=registered)
                self._bus.publish(changed)
                self._on_change(self._agents[agent.id])

    def stop(self) -> None:
        for timer in self._wrap_ups.values():
            timer.cancel()

    def _engaged(self, agent_id: AgentId, what: AgentMove, at: datetime, reason: str | None = None) -> None:
        after = move(self._agents[agent_id], what, at, reason=reason)
        if after.state is AgentState.AVAILABLE and after.requested is not None:
            requested, why = after.requested  # before the next call finds them free
            after = move(after, requested, at, reason=why)
        if after.state is AgentState.WRAP_UP:
            queue = self._config.queues.get(after.queue) if after.queue else None
            after = replace(after, until=at + (queue.wrap_up if queue else DEFAULT_WRAP_UP))
        self._put(after)
        if after.state is not AgentState.WRAP_UP and after.state is not AgentState.BUSY:
            self._carry_out_request(agent_id)

    def _put(self, after: Agent) -> None:
        before = self._agents[after.id]
        self._keep(after)
        if _shown(after) == _shown(before):
            return
        if before.state is AgentState.WRAP_UP:
            self._wrap_ups.pop(after.id).cancel()
        if after.state is AgentState.WRAP_UP and after.until is not None:
            self._end_wrap_up_at(after.id, after.until)
        what, why = after.requested or (None, None)
        self._bus.publish(
            AgentStateChanged(
                at=after.since,
                agent_id=after.id,
                state=after.state,
                reason=after.reason,
                contact_id=after.contact_id,
                until=after.until,
                queue=after.queue,
                requested=REQUESTED_STATE[what] if what else None,
                requested_reason=why,
            )
        )
        self._on_change(after)

    def _end_wrap_up_at(self, agent_id: AgentId, until: datetime) -> None:
        delay_s = max(0.0, (until - self._clock.now()).total_seconds())
        self._wrap_ups[agent_id] = self._clock.call_later(delay_s, lambda: self._end_wrap_up(agent_id))

    def _end_wrap_up(self, agent_id: AgentId) -> None:
        if not self._carry_out_request(agent_id):
            self.ask(agent_id, AgentMove.READY)

    def _carry_out_request(self, agent_id: AgentId) -> bool:
        requested = self._agents[agent_id].requested
        if requested is None:
            return False
        what, reason = requested
        assert what in DEFERRED
        self.ask(agent_id, what, reason)
        return True


def _shown(agent: Agent) -> tuple[object, ...]:
    """What the others are told of an agent."""
    return agent.state, agent.reason, agent.contact_id, agent.requested


def _requested(event: AgentStateChanged) -> tuple[AgentMove, str | None] | None:
    moves = {state: what for what, state in REQUESTED_STATE.items()}
    return None if event.requested is None else (moves[event.requested], event.requested_reason)
