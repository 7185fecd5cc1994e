"""What the machine wants done. The session does it, in order."""

from collections.abc import Mapping
from dataclasses import dataclass

from ivr.machine.inputs import Input
from switchroom.domain.contact import Requirements
from switchroom.domain.events import InputKind


@dataclass(frozen=True, slots=True)
class Prompt:
    """One piece of speech. ``audio`` names a recording that is played instead, where there is one.

    ``static`` text is the same for every caller, so its audio may be kept; other text may hold personal data.
    """

    text: str
    language: str
    audio: str | None = None
    static: bool = False


@dataclass(frozen=True, slots=True)
class Grammar:
    """What may be said now: phrases, and a row of digits if ``digits``."""

    language: str
    phrases: tuple[str, ...] = ()
    digits: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Play the prompts in place of what plays; `PromptDone` or `Unspoken` of this turn follows, if not stopped."""

    turn: int
    prompts: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class StopPrompt:
    """Stop the prompt at once."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Have speech recognised, if it can be: `SpeechStarted`, `Heard`, `NotUnderstood` of this turn may follow."""

    turn: int
    grammar: Grammar


@dataclass(frozen=True, slots=True)
class StopListening:
    """Nobody waits for speech any more."""


@dataclass(frozen=True, slots=True)
class StartTimer:
    """`TimedOut` of this number after ``seconds``; an earlier timer is forgotten."""

    timer: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask a source; `Found`, `NotFound` or `Unavailable` of this turn follows. ``timeout_s`` is for each attempt."""

    turn: int
    source: str
    arguments: Mapping[str, str]
    timeout_s: float
    retries: int


@dataclass(frozen=True, slots=True)
class Visited:
    """For the record: the caller reached a node."""

    node: str


@dataclass(frozen=True, slots=True)
class Taken:
    """For the record: the flow accepted an input. ``value`` is masked where it is secret."""

    node: str
    kind: InputKind
    value: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """For the record: the caller has heard what they asked for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """For the replay: an input that the machine took in, ``number`` in the order of arrival, masked where it is secret.

    Keys pressed ahead are recorded when a question uses them, because only then it is known whether they are secret.
    """

    number: int
    received: Input


@dataclass(frozen=True, slots=True)
class Undecided:
    """For the author of the flow: a condition met values of the wrong type, and was taken as one that does not hold."""

    node: str
    condition: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    """The flow is over: the caller waits for an agent. ``collected`` is for the agent to see."""

    requirements: Requirements
    collected: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finish:
    """The flow is over with its last word: the call ends."""


@dataclass(frozen=True, slots=True)
class HandBack:
    """The flow cannot go on: the caller waits in the fallback queue. ``collected`` is for the agent to see."""

    reason: str
    collected: Mapping[str, str]


Effect = (
    Say
    | StopPrompt
    | Listen
    | StopListening
    | StartTimer
    | LookUp
    | Visited
    | Taken
    | Resolved
    | Recorded
    | Undecided
    | Enqueue
    | Finish
    | HandBack
)
