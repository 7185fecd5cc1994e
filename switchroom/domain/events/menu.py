"""What happens to a contact in a menu."""

from dataclasses import dataclass
from enum import StrEnum

from switchroom.domain.events.contact import ContactEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStarted(ContactEvent):
    """A menu took the call, pinned to the version that was current."""

    flow: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeVisited(ContactEvent):
    """The caller reached a node of the flow."""

    node: str


class InputKind(StrEnum):
    DTMF = "dtmf"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTaken(ContactEvent):
    """The caller pressed or said something that the flow accepted. ``value`` is masked for secret nodes."""

    node: str
    kind: InputKind
    value: str
    confidence: float | None = None
