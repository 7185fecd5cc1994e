"""What is known of one caller's way through a flow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from ivr.machine.effects import Taken
from switchroom.domain.caller import Caller


class Phase(Enum):
    TELLING = auto()
    """A prompt is heard; then the way on is taken."""
    ASKING = auto()
    """A menu's or collect's question."""
    CONFIRMING = auto()
    """A collect's question whether it was understood right."""
    LOOKING_UP = auto()
    LEAVING = auto()
    """The last prompt."""
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class State:
    """Everything known of one caller's way through a flow."""

    node: str
    language: str
    caller: Caller
    phase: Phase = Phase.TELLING
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    """Variables that only `LookUp` may see."""
    turn: int = 0
    timer: int = 0
    speaking: bool = False
    listening: bool = False
    digits: str = ""
    """Of the present collect."""
    typed: str = ""
    """Keys pressed ahead, not yet used."""
    swallow: str = ""
    """A finish key that may still follow digits which were complete without it."""
    pending: Taken | None = None
    """What waits for confirmation."""
    goes_to: str = ""
    """The node after what is being told."""
    misses: int = 0
    """Failed inputs in a row at this question; ``failures``, over all questions."""
    failures: int = 0
    strides: int = 0
    asked: tuple[str, ...] = ()
    """The questions on the way here, for ``back``."""
