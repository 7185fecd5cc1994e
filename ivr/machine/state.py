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
    """A question is put, or waits for its answer."""
    CONFIRMING = auto()
    """The caller is asked whether the answer was understood right."""
    WAITING = auto()
    """For an answer from elsewhere: a source of data."""
    LEAVING = auto()
    """The last prompt."""
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class Frame:
    """One flow on the way: the menu, or a sub-flow that was called. Its values are its own."""

    node: str
    scope: str = ""
    """The sub-flow's name; empty for the menu."""
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    """Variables that only `LookUp` may see."""
    asked: tuple[str, ...] = ()
    """The questions on the way here, for ``back``."""


@dataclass(slots=True)
class State:
    """Everything known of one caller's way through a flow. The last of the ``frames`` is the present one.

    A value to all but the `Step` that makes it: each has a copy of its own. (Frozen, with `dataclasses.replace` at each
    change, the machine would be half as fast.)
    """

    frames: tuple[Frame, ...]
    language: str
    caller: Caller
    phase: Phase = Phase.TELLING
    turn: int = 0
    timer: int = 0
    speaking: bool = False
    listening: bool = False
    digits: str = ""
    """Of the present question."""
    typed: str = ""
    """Keys pressed ahead, not yet used."""
    typed_numbers: tuple[int, ...] = ()
    """Their numbers among the inputs."""
    ignored_finish_key: str = ""
    """A finish key that may still follow digits which were complete without it."""
    pending: Taken | None = None
    """What waits for confirmation."""
    goes_to: str = ""
    """The node after what is heard now."""
    misses: int = 0
    """Failed inputs in a row at this question; ``failures``, over all questions."""
    failures: int = 0
    nodes_without_input: int = 0
    received: int = 0
    """Inputs taken in so far."""

    def copy(self) -> "State":
        made = State.__new__(State)
        for name in State.__slots__:
            setattr(made, name, getattr(self, name))
        return made

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @property
    def node(self) -> str:
        """The present node's name, among those of its flow."""
        return self.frames[-1].node

    @property
    def place(self) -> str:
        """The present node's name for the record: ``node``, or ``sub_flow.node``."""
        frame = self.frames[-1]
        return f"{frame.scope}.{frame.node}" if frame.scope else frame.node

    @property
    def values(self) -> Mapping[str, Any]:
        return self.frames[-1].values

    @property
    def secrets(self) -> frozenset[str]:
        return self.frames[-1].secrets
