"""The agents: their states, what they wished for meanwhile, and the timers of wrap-up.

Every change is published; the one listener (the ACD) hears of each agent who became free or ceased to be.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from acd.agents import DEFERRED, Agent, AgentMove, move
from acd.config import AcdConfig, QueueConfig
from switchroom.bus import Bus
from switchroom.clock import Clock, Timer
from switchroom.domain.errors import UnknownAgent
from switchroom.domain.events import AgentState, AgentStateChanged
from switchroom.domain.ids import AgentId, CallId, QueueName

DEFAULT_WRAP_UP: timedelta = QueueConfig.model_fields["wrap_up"].default


class Roster:
    """All agents of ``agents.yaml``."""

    def __init__(self, config: AcdConfig, bus: Bus, clock: Clock, on_change: Callable[[Agent], None]) -> None:
        self._config = config
        self._bus = bus
        self._clock = clock
        self._on_change = on_change
        self._wrap_ups: dict[AgentId, Timer] = {}
        now = clock.now()
        self._agents = {
            agent_id: Agent(id=agent_id, name=agent.name, skills=agent.skills, since=now)
            for agent_id, agent in config.agents.items()
        }

    def __iter__(self) -> Iterator[Agent]:
        return iter(tuple(self._agents.values()))

    def get(self, agent_id: AgentId | None) -> Agent | None:
        return None if agent_id is None else self._agents.get(agent_id)

    def restore(self, known: Iterable[AgentStateChanged]) -> None:
        """Take up the last states, as the ledger kept them."""
        for event in known:
            agent = self._agents.get(event.agent_id)
            if agent is None:
                continue
            self._agents[agent.id] = replace(
                agent,
                state=event.state,
                since=event.at,
                reason=event.reason,
                call_id=event.call_id,
                until=event.until,
            )
            if event.state is AgentState.WRAP_UP:
                self._end_wrap_up_at(agent.id, event.until or self._clock.now())

    def ask(self, agent_id: AgentId, what: AgentMove, reason: str | None = None) -> Agent:
        """What a person asks for: ready, pause, log out. During a call it is kept until the call is over."""
        if agent_id not in self._agents:
            raise UnknownAgent(agent_id)
        self._put(move(self._agents[agent_id], what, self._clock.now(), reason=reason))
        return self._agents[agent_id]

    def withdraw(self, agent_id: AgentId, what: AgentMove, reason: str | None) -> None:
        """Take back exactly this request, if it still waits for the end of the call."""
        agent = self._agents.get(agent_id)
        if agent is not None and agent.wish == (what, reason):
            self._agents[agent_id] = replace(agent, wish=None)

    def reserve(self, agent_id: AgentId, call_id: CallId, queue: QueueName) -> None:
        self._put(
            replace(move(self._agents[agent_id], AgentMove.RESERVE, self._clock.now()), call_id=call_id, queue=queue)
        )

    def connect(self, agent_id: AgentId) -> None:
        self._engaged(agent_id, AgentMove.CONNECT)

    def miss(self, agent_id: AgentId, reason: str) -> None:
        """The agent's phone did not bring the call to a person: paused, so that the next caller is spared."""
        self._engaged(agent_id, AgentMove.MISS, reason)

    def part(self, agent_id: AgentId) -> None:
        """The agent's call is over, or came to nothing through no fault of theirs."""
        agent = self._agents.get(agent_id)
        if agent is None:
            return
        if agent.state is AgentState.BUSY:
            self._engaged(agent_id, AgentMove.FINISH)
        elif agent.state is AgentState.RESERVED:
            self._engaged(agent_id, AgentMove.RELEASE)

    def adopt(self, agent_id: AgentId, state: AgentState, call_id: CallId, queue: QueueName | None) -> None:
        """A restarted server finds the agent reserved or busy in the softswitch: that is how it is."""
        agent = self._agents[agent_id]
        if (agent.state, agent.call_id) != (state, call_id):
            since = self._clock.now()
            self._put(replace(agent, state=state, since=since, reason=None, until=None, call_id=call_id, queue=queue))

    def phone(self, agent_id: AgentId, registered: bool) -> None:
        agent = self._agents.get(agent_id)
        if agent is not None and agent.phone_registered != registered:
            self._agents[agent_id] = replace(agent, phone_registered=registered)
            self._on_change(self._agents[agent_id])

    def stop(self) -> None:
        for timer in self._wrap_ups.values():
            timer.cancel()

    def _engaged(self, agent_id: AgentId, what: AgentMove, reason: str | None = None) -> None:
        now = self._clock.now()
        after = move(self._agents[agent_id], what, now, reason=reason)
        if after.state is AgentState.AVAILABLE and after.wish is not None:
            wished, why = after.wish  # before the next call finds them free
            after = move(after, wished, now, reason=why)
        if after.state is AgentState.WRAP_UP:
            queue = self._config.queues.get(after.queue) if after.queue else None
            after = replace(after, until=now + (queue.wrap_up if queue else DEFAULT_WRAP_UP))
        self._put(after)
        if after.state is not AgentState.WRAP_UP and after.state is not AgentState.BUSY:
            self._carry_out_wish(agent_id)

    def _put(self, after: Agent) -> None:
        before = self._agents[after.id]
        self._agents[after.id] = after
        shown = (after.state, after.reason, after.call_id)
        if shown == (before.state, before.reason, before.call_id):
            return
        if before.state is AgentState.WRAP_UP:
            self._wrap_ups.pop(after.id).cancel()
        if after.state is AgentState.WRAP_UP and after.until is not None:
            self._end_wrap_up_at(after.id, after.until)
        self._bus.publish(
            AgentStateChanged(
                at=after.since,
                agent_id=after.id,
                state=after.state,
                reason=after.reason,
                call_id=after.call_id,
                until=after.until,
            )
        )
        self._on_change(after)

    def _end_wrap_up_at(self, agent_id: AgentId, until: datetime) -> None:
        delay_s = max(0.0, (until - self._clock.now()).total_seconds())
        self._wrap_ups[agent_id] = self._clock.call_later(delay_s, lambda: self._end_wrap_up(agent_id))

    def _end_wrap_up(self, agent_id: AgentId) -> None:
        if not self._carry_out_wish(agent_id):
            self.ask(agent_id, AgentMove.READY)

    def _carry_out_wish(self, agent_id: AgentId) -> bool:
        wish = self._agents[agent_id].wish
        if wish is None:
            return False
        what, reason = wish
        assert what in DEFERRED
        self.ask(agent_id, what, reason)
        return True
