"""The in-process event bus: typed, synchronous, ordered.

A handler runs at once, in the order of subscription, and must not block: what takes time goes into a task
or mailbox of the handler's owner. A handler that raises is logged and does not stop the others. Events
published by a handler are delivered after the present one, so every subscriber sees the same order.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from switchroom.domain.events import Event
from switchroom.wire import type_name

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]

log = structlog.get_logger(__name__)


class Bus:
    """Publish and subscribe by event class; subscribing to a base class receives its subclasses."""

    def __init__(self) -> None:
        self._handlers: list[tuple[type[Event], Handler]] = []
        self._of_kind: dict[type[Event], tuple[Handler, ...]] = {}
        """The handlers of each class of events that was published, until somebody subscribes or leaves."""
        self._pending: deque[Event] = deque()
        self._delivering = False

    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> Callable[[], None]:
        """Call ``handler`` with every event of ``kind``; returns the function that ends it."""
        entry = (kind, handler)
        self._handlers.append(entry)
        self._of_kind.clear()

        def unsubscribe() -> None:
            if entry in self._handlers:
                self._handlers.remove(entry)
                self._of_kind.clear()

        return unsubscribe

    def publish(self, event: Event) -> None:
        self._pending.append(event)
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._pending:
                self._deliver(self._pending.popleft())
        finally:
            self._delivering = False

    def _deliver(self, event: Event) -> None:
        kind = type(event)
        handlers = self._of_kind.get(kind)
        if handlers is None:
            handlers = tuple(handler for wanted, handler in self._handlers if issubclass(kind, wanted))
            self._of_kind[kind] = handlers
        for handler in handlers:
            try:
                handler(event)
            except Exception:
                log.exception("bus.handler_failed", event_type=type_name(event), handler=repr(handler))
