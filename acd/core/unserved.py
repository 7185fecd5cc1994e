"""Contacts that nobody on duty may serve: known at once, and not left waiting for ever.

On duty is who is logged in, in any state. A contact for which that holds as long as its queue's limit goes to the
fallback queue, with the time waited so far.
"""

from collections import Counter, deque
from collections.abc import Iterable

from acd.core.due import Due, What
from acd.core.effects import Effect, Unserved
from acd.core.index import RoutingIndex
from acd.core.line import QueueEntry
from acd.core.parameters import Parameters
from switchroom.domain.ids import ContactId, QueueName

SLICE = 100
"""Contacts that are looked at before others have their turn."""

_LOOK = (What.LOOK, "")


class UnservedWatch:
    """Which waiting contacts nobody on duty may serve, and until when each waits for somebody who may."""

    def __init__(self, parameters: Parameters, index: RoutingIndex, due: Due, effects: list[Effect]) -> None:
        self._parameters, self._index, self._due, self._effects = parameters, index, due, effects
        self._watched: dict[ContactId, QueueName] = {}
        self._to_look_at: deque[ContactId] = deque()
        self.count: Counter[QueueName] = Counter()
        """How many wait in each queue whom nobody on duty may serve."""

    def joined(self, entry: QueueEntry, now: float) -> None:
        """The contact waits, or waits again, or in another place: in the same queue its limit goes on."""
        contact_id, queue = entry.contact_id, entry.requirements.queue
        if self._index.is_servable(contact_id):
            self.left(contact_id)
        elif self._watched.get(contact_id) != queue:
            self.left(contact_id)
            until = now + self._parameters.queues[queue].unserved_limit_s
            self._watched[contact_id] = queue
            self.count[queue] += 1
            self._due.set((What.UNSERVED, contact_id), until)
            self._effects.append(Unserved(contact_id, queue, until))

    def left(self, contact_id: ContactId) -> None:
        queue = self._watched.pop(contact_id, None)
        if queue is not None:
            self.count[queue] -= 1
            self._due.cancel((What.UNSERVED, contact_id))

    def duty_changed(self, contacts: Iterable[ContactId], now: float) -> None:
        """These may be served now, or no more: look at some at once, at the rest when others had their turn."""
        self._to_look_at.extend(contacts)
        if self._to_look_at and _LOOK not in self._due:
            self.look(now)

    def look(self, now: float) -> None:
        """Look at the next ones."""
        for _ in range(min(SLICE, len(self._to_look_at))):
            entry = self._index.get(self._to_look_at.popleft())
            if entry is not None:
                self.joined(entry, now)
        if self._to_look_at:
            self._due.set(_LOOK, now)

    def __contains__(self, contact_id: ContactId) -> bool:
        return contact_id in self._watched
