"""A heap whose items may die while they are in it: they are dropped when they surface, or when they are the most."""

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

ALLOWED_DEAD = 32
"""So many dead items, beside as many as are alive, are no reason to clear up."""


class LazyHeap(Generic[T]):
    """The smallest item that is ``alive``. The owner says how many are, so that the dead never are the most."""

    __slots__ = ("_alive", "_items")

    def __init__(self, alive: Callable[[T], bool]) -> None:
        self._alive = alive
        self._items: list[T] = []

    def push(self, item: T, living: int) -> None:
        """Add an item; ``living`` counts those that are alive now, this one included."""
        if len(self._items) > 2 * living + ALLOWED_DEAD:
            self._items = [one for one in self._items if self._alive(one)]
            heapq.heapify(self._items)  # type: ignore[type-var]  # items are tuples of comparable values
        heapq.heappush(self._items, item)  # type: ignore[type-var]  # as above

    def first(self) -> T | None:
        """The smallest living item; it stays."""
        items = self._items
        while items:
            if self._alive(items[0]):
                return items[0]
            heapq.heappop(items)  # type: ignore[type-var]  # as above
        return None

    def clear(self) -> None:
        self._items.clear()

    def items(self) -> list[T]:
        """All items, the dead included, in no order."""
        return list(self._items)

    def __len__(self) -> int:
        return len(self._items)
