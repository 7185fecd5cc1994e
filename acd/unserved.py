"""Contacts whom nobody on duty may ever serve: told at once, and not left waiting for ever.

On duty is who is logged in, in whatever state. A contact for whom that holds as long as its queue's ``unserved_limit``
goes to the fallback queue, with the time waited so far.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from acd.agents import Agent
from acd.config import AcdConfig
from acd.policy import meets
from acd.routing import QueueEntry
from switchroom.domain.events import AgentState, NobodyOnDuty, PlaceChange, PlaceChanged
from switchroom.domain.ids import ContactId, QueueName
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock, Timer

SLICE = 100
"""Contacts that are looked at before others have their turn."""


@dataclass(slots=True)
class _Watched:
    entry: QueueEntry
    timer: Timer

    @property
    def queue(self) -> QueueName:
        return self.entry.waiting.requirements.queue


class Unserved:
    """Watches the line; publishes `NobodyOnDuty`, and after the limit `PlaceChanged`."""

    def __init__(self, config: AcdConfig, bus: Bus, clock: Clock, agents: Callable[[], Iterable[Agent]]) -> None:
        self._config, self._bus, self._clock, self._agents = config, bus, clock, agents
        self._watched: dict[ContactId, _Watched] = {}
        self.count: Counter[QueueName] = Counter()
        """How many wait in each queue whom nobody on duty may serve."""

    def joined(self, entry: QueueEntry) -> None:
        """The contact waits, or waits again, or in another place: in the same queue its limit goes on."""
        watched = self._watched.get(entry.contact_id)
        if self._servable(entry):
            self.left(entry.contact_id)
        elif watched is not None and watched.queue == entry.waiting.requirements.queue:
            watched.entry = entry
        else:
            self.left(entry.contact_id)
            self._watch(entry)

    def left(self, contact_id: ContactId) -> None:
        watched = self._watched.pop(contact_id, None)
        if watched is not None:
            self.count[watched.queue] -= 1
            watched.timer.cancel()

    async def duty_changed(self, waiting: Sequence[QueueEntry], still_waits: Callable[[ContactId], bool]) -> None:
        """An agent came on duty, or went: look at everybody who waits, some at a time."""
        servable: dict[frozenset[tuple[str, int]], bool] = {}
        for number, entry in enumerate(waiting, start=1):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            if not still_waits(entry.contact_id):
                continue
            kind = frozenset(entry.waiting.requirements.skills.items())
            if kind not in servable:
                servable[kind] = self._servable(entry)
            if servable[kind]:
                self.left(entry.contact_id)
            elif entry.contact_id not in self._watched:
                self._watch(entry)

    def stop(self) -> None:
        for contact_id in tuple(self._watched):
            self.left(contact_id)

    def _servable(self, entry: QueueEntry) -> bool:
        needed = entry.waiting.requirements.skills
        return any(a.state is not AgentState.LOGGED_OUT and meets(needed, a.skills) for a in self._agents())

    def _watch(self, entry: QueueEntry) -> None:
        contact_id, queue = entry.contact_id, entry.waiting.requirements.queue
        limit: timedelta = self._config.queues[queue].unserved_limit
        now = self._clock.now()
        timer = self._clock.call_later(limit.total_seconds(), lambda: self._move(contact_id))
        self._watched[contact_id] = _Watched(entry, timer)
        self.count[queue] += 1
        self._bus.publish(NobodyOnDuty(at=now, contact_id=contact_id, queue=queue, until=now + limit))

    def _move(self, contact_id: ContactId) -> None:
        entry = self._watched[contact_id].entry
        needs = entry.waiting.requirements
        skills = self._config.queues[self._config.fallback].skills
        if needs.queue == self._config.fallback and needs.skills == skills:
            return  # nowhere else to go: whoever comes on duty first serves them
        self.left(contact_id)
        self._bus.publish(
            PlaceChanged(
                at=self._clock.now(),
                contact_id=contact_id,
                requirements=replace(needs, queue=self._config.fallback, skills=skills),
                enqueued_at=entry.waiting.enqueued_at,
                why=PlaceChange.NOBODY_ON_DUTY,
            )
        )
