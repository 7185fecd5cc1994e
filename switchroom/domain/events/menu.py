"""What happens to a contact in a menu."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from switchroom.domain.events.base import Personal, personal
from switchroom.domain.events.contact import ContactEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStarted(ContactEvent):
    """A menu took the call, pinned to the version that was current."""

    flow: str
    version: str
    brand_title: Mapping[str, str] = field(default_factory=dict)
    """By language, as the menu knew it then."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """The brand's values in menus."""


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
    value: str = field(metadata=personal(Personal.INPUT, erased=""))
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuInput(ContactEvent):
    """Something that the menu took in, so that the call can be replayed (`ivr.replay`).

    ``number`` counts from 1 from `FlowStarted` on; a key pressed ahead is written when it is used, with its old number.
    ``received`` is JSON; of a secret nothing but its length is known.
    """

    number: int
    kind: str
    received: Mapping[str, Any] = field(metadata=personal(Personal.INPUT, erased={}))
