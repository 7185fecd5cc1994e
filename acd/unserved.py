"""Contacts whom nobody on duty may ever serve: told at once, and not left waiting for ever.

On duty is who is logged in, in whatever state. A contact for whom that holds as long as its queue's ``unserved_limit``
goes to the fallback queue, with the time waited so far.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

from acd.agents import Agent
from acd.config import AcdConfig
from acd.policy import meets
from acd.routing import QueueEntry
from switchroom.bus import Bus
from switchroom.clock import Clock, Timer
from switchroom.domain.contact import Requirements
from switchroom.domain.events import AgentState, NobodyOnDuty, PlaceChange, PlaceChanged
from switchroom.domain.ids import CallId, QueueName


class Unserved:
    """Watches the line; publishes `NobodyOnDuty`, and after the limit `PlaceChanged`."""

    def __init__(self, config: AcdConfig, bus: Bus, clock: Clock, agents: Callable[[], Iterable[Agent]]) -> None:
        self._config, self._bus, self._clock, self._agents = config, bus, clock, agents
        self._watched: dict[CallId, tuple[QueueName, Timer]] = {}
        self.count: Counter[QueueName] = Counter()
        """How many wait in each queue whom nobody on duty may serve."""

    def joined(self, entry: QueueEntry) -> None:
        """The contact waits, or waits with other requirements."""
        self.left(entry.call_id)
        if not self._servable(entry):
            self._watch(entry)

    def left(self, call_id: CallId) -> None:
        watched = self._watched.pop(call_id, None)
        if watched is not None:
            queue, timer = watched
            self.count[queue] -= 1
            timer.cancel()

    def duty_changed(self, waiting: Iterable[QueueEntry]) -> None:
        """An agent came on duty, or went: look at everybody who waits."""
        servable: dict[frozenset[tuple[str, int]], bool] = {}
        for entry in waiting:
            kind = frozenset(entry.waiting.requirements.skills.items())
            if kind not in servable:
                servable[kind] = self._servable(entry)
            if servable[kind]:
                self.left(entry.call_id)
            elif entry.call_id not in self._watched:
                self._watch(entry)

    def stop(self) -> None:
        for call_id in tuple(self._watched):
            self.left(call_id)

    def _servable(self, entry: QueueEntry) -> bool:
        needed = entry.waiting.requirements.skills
        return any(a.state is not AgentState.LOGGED_OUT and meets(needed, a.skills) for a in self._agents())

    def _watch(self, entry: QueueEntry) -> None:
        queue = entry.waiting.requirements.queue
        limit: timedelta = self._config.queues[queue].unserved_limit
        now = self._clock.now()
        timer = self._clock.call_later(limit.total_seconds(), lambda: self._move(entry))
        self._watched[entry.call_id] = (queue, timer)
        self.count[queue] += 1
        self._bus.publish(NobodyOnDuty(at=now, call_id=entry.call_id, queue=queue, until=now + limit))

    def _move(self, entry: QueueEntry) -> None:
        needs = entry.waiting.requirements
        fallback = Requirements(self._config.fallback, self._config.queues[self._config.fallback].skills, needs.tier)
        if needs == fallback:
            return  # nowhere else to go: whoever comes on duty first serves them
        self.left(entry.call_id)
        self._bus.publish(
            PlaceChanged(
                at=self._clock.now(),
                call_id=entry.call_id,
                requirements=fallback,
                enqueued_at=entry.waiting.enqueued_at,
                why=PlaceChange.NOBODY_ON_DUTY,
            )
        )
