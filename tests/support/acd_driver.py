"""What the state machine of the ACD asks of that which it drives: the core alone, or the whole service."""

from collections.abc import Callable
from typing import Protocol

from acd.core import effects as ef
from acd.core import events as ev
from acd.core.core import Core

Take = Callable[[list[ef.Effect]], None]


class Driver(Protocol):
    """Brings events to an ACD. ``take`` gets the effects of each event while the core is as they left it."""

    core: Core
    confirms: bool
    """Reservations are confirmed without the machine's word."""

    def tell(self, event: ev.Event, take: Take) -> None:
        """`Deliver` waits for the machine's word, and so does `Reserve` unless the driver confirms it."""

    def now(self) -> float: ...

    def sleep(self, seconds: float, take: Take) -> None:
        """So much time passes, with everything that is due in it."""

    def restart(self, known: list[ev.KnownAgent]) -> None:
        """A new ACD, with the agents' last states."""

    def close(self) -> None: ...
