"""What is due when: every timer of the core as data, so that one real timer serves them all."""

from enum import IntEnum

from acd.core.heap import LazyHeap

SLACK_S = 0.001
"""What is due within a millisecond is due now: a real timer's rounding is not worth another turn."""


class What(IntEnum):
    """What becomes due."""

    OFFER = 1
    WRAP_UP = 2
    UNSERVED = 3
    LOOK = 4
    CONSULT = 5


Key = tuple[What, str]


class Due:
    """One due time for each key; setting it again replaces it."""

    def __init__(self) -> None:
        self._times: dict[Key, tuple[float, int, Key]] = {}
        self._heap: LazyHeap[tuple[float, int, Key]] = LazyHeap(self._is_set)
        self._count = 0

    def set(self, key: Key, at: float) -> None:
        self._count += 1
        item = self._times[key] = (at, self._count, key)
        self._heap.push(item, len(self._times))

    def cancel(self, key: Key) -> None:
        self._times.pop(key, None)

    def next(self) -> float | None:
        first = self._heap.first()
        return None if first is None else first[0]

    def pop(self, now: float) -> Key | None:
        """The next thing that is due, which is set no longer; None when nothing is."""
        first = self._heap.first()
        if first is None or first[0] > now + SLACK_S:
            return None
        del self._times[first[2]]
        return first[2]

    def __contains__(self, key: Key) -> bool:
        return key in self._times

    def __len__(self) -> int:
        return len(self._times)

    def _is_set(self, item: tuple[float, int, Key]) -> bool:
        return self._times.get(item[2]) == item
