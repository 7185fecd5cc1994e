"""What comes of a caller in a menu, as the machine sees it.

A ``turn`` tells to which question or request an answer belongs: what comes late for an older turn is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MASKED = "?"
"""What stands for a secret digit in a record."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A key was pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class PromptDone:
    """The prompt was heard to its end."""

    turn: int


@dataclass(frozen=True, slots=True)
class Unspoken:
    """No voice could speak the prompt: the caller has heard nothing."""

    turn: int


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The timer of that number ran out."""

    timer: int


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak. `Heard` or `NotUnderstood` will follow."""

    turn: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A phrase of the grammar, or digits, with the recogniser's confidence from 0 to 1."""

    turn: int
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The caller said something else, or the recogniser failed."""

    turn: int


@dataclass(frozen=True, slots=True)
class Found:
    """The data dip's record."""

    turn: int
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NotFound:
    turn: int


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The source was too slow, refused, or gave nonsense."""

    turn: int


Input = (
    Digit | PromptDone | Unspoken | TimedOut | SpeechStarted | Heard | NotUnderstood | Found | NotFound | Unavailable
)
