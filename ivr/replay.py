"""A recorded call, run again: the same inputs into the same version of the flow have the same effects.

Each input that the machine takes in is recorded as a kind and JSON data (`ivr.machine.effects.Recorded`). A secret
digit is recorded masked; it counts as a digit again, so only its value differs. A condition on a secret value may
therefore take another way.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ivr import machine
from ivr.language.flow import Flow
from ivr.machine.effects import Effect, Recorded
from ivr.machine.inputs import (
    Digit,
    Found,
    Heard,
    Input,
    NotFound,
    NotUnderstood,
    PromptDone,
    SpeechStarted,
    TimedOut,
    Unavailable,
    Unspoken,
)
from switchroom.domain.brand import Brand
from switchroom.domain.caller import Caller
from switchroom.domain.events import (
    ContactAdopted,
    ContactEntered,
    ContactEvent,
    CustomerIdentified,
    FlowStarted,
    MenuInput,
)

KINDS: Mapping[str, type[Input]] = MappingProxyType(
    {
        "digit": Digit,
        "prompt_done": PromptDone,
        "unspoken": Unspoken,
        "timed_out": TimedOut,
        "speech_started": SpeechStarted,
        "heard": Heard,
        "not_understood": NotUnderstood,
        "found": Found,
        "not_found": NotFound,
        "unavailable": Unavailable,
    }
)
"""The kinds as they are written down. Their data are the fields; a changed field is a new kind."""

_NAMES = {kind: name for name, kind in KINDS.items()}


class ReplayError(ValueError):
    """A record that is none: an unknown kind, or data that do not fit it."""


@dataclass(frozen=True, slots=True)
class RecordedInput:
    """An input as it was written down. ``number`` counts from 1; keys pressed ahead may be written late."""

    number: int
    kind: str
    received: Mapping[str, Any]


def encode(recorded: Recorded) -> RecordedInput:
    """
    >>> encode(Recorded(1, Digit("5")))
    RecordedInput(number=1, kind='digit', received={'digit': '5'})
    """
    received = recorded.received
    data = {field.name: getattr(received, field.name) for field in dataclasses.fields(received)}
    return RecordedInput(recorded.number, _NAMES[type(received)], data)


def decode(recorded: RecordedInput) -> Input:
    """Raises `ReplayError`."""
    kind = KINDS.get(recorded.kind)
    if kind is None:
        raise ReplayError(f"there is no input `{recorded.kind}`")
    try:
        return kind(**recorded.received)
    except TypeError as error:
        if not recorded.received:
            raise ReplayError(f"`{recorded.kind}`: what the menu took in is erased") from error
        raise ReplayError(f"`{recorded.kind}` has other data: {', '.join(sorted(recorded.received))}") from error


def replay(flow: Flow, caller: Caller, inputs: Iterable[RecordedInput]) -> list[Effect]:
    """All effects of a call, the records of its inputs included. Raises `ReplayError`."""
    state, effects = machine.start(flow, caller)
    done = list(effects)
    for recorded in sorted(inputs, key=lambda one: one.number):
        state, effects = machine.step(flow, state, decode(recorded))
        done += effects
    return [*done, *machine.hung_up(state)]


@dataclass(frozen=True, slots=True)
class Visit:
    """A caller in a menu, as the event log has it: who, in which version of which flow, and what came of them."""

    caller: Caller
    flow: str
    version: str
    inputs: tuple[RecordedInput, ...]


def visits(events: Iterable[ContactEvent]) -> list[Visit]:
    """The visits to menus in one contact's events; one more each time that the dialplan brings the caller back."""
    found: list[Visit] = []
    caller: Caller | None = None
    for event in events:
        caller = caller or Caller(contact_id=event.contact_id, number="", phone="")
        match event:
            case ContactEntered() | ContactAdopted():
                brand = Brand(name=event.brand, title={})
                caller = replace(caller, number=event.number, phone=event.caller, brand=brand)
            case CustomerIdentified():
                caller = replace(
                    caller,
                    tier=event.tier,
                    customer_id=event.customer_id,
                    name=event.name,
                    language=event.language,
                )
            case FlowStarted():
                brand = replace(caller.brand, title=event.brand_title, arguments=event.arguments)
                caller = replace(caller, brand=brand)
                found.append(Visit(caller, event.flow, event.version, ()))
            case MenuInput() if found:
                one = RecordedInput(event.number, event.kind, event.received)
                found[-1] = replace(found[-1], inputs=(*found[-1].inputs, one))
    return found
