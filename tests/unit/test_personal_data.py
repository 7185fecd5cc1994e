"""Whatever of an event could tell of a person is declared, and stands apart from the log."""

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NewType, get_args, get_origin, get_type_hints

import pytest

from switchroom.domain.events import ContactEvent, Event, Personal
from switchroom.domain.events.base import personal, personal_fields
from switchroom.domain.ids import CustomerId
from switchroom.wire import NAMES
from tests.fixtures.event_forms import optional

IMPERSONAL: Mapping[str, str] = {
    "AgentStateChanged.reason": "a word of `cti_bridge.agents.port.PauseReason`",
    "AgentStateChanged.requested_reason": "a word of `cti_bridge.agents.port.PauseReason`",
    "ContactAdopted.number": "the number that was dialled: ours",
    "ContactAdopted.waiting.requirements.skills": "names of the house's skills (ivr/verbs/queue.py)",
    "ContactEntered.number": "the number that was dialled: ours",
    "ContactQueued.requirements.skills": "names of the house's skills (ivr/verbs/queue.py)",
    "ContactRefused.number": "the number that was dialled: ours",
    "CustomerIdentified.language": "millions speak it",
    "FlowStarted.arguments": "the brand's values",
    "FlowStarted.brand_title": "the brand's",
    "FlowStarted.flow": "a menu's name",
    "FlowStarted.version": "a menu's version",
    "InputTaken.node": "a place in a menu",
    "MenuInput.kind": "a word of ivr/replay.py",
    "NodeVisited.node": "a place in a menu",
    "PlaceChanged.requirements.skills": "names of the house's skills (ivr/verbs/queue.py)",
    "RecordingClosed.file": "contact, agent and second, as they are on the event",
    "TicketClosed.disposition": "a word of the list of dispositions",
}
"""Texts that no person is named in, each with the reason."""


def texts(kind: Any, at: str) -> Iterator[tuple[str, bool]]:
    """Where ``kind`` may hold words of a person, and whether that is declared. Ids of our own are none."""
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint = optional(hints[field.name]) or hints[field.name]
        path, declared = f"{at}.{field.name}", bool(field.metadata)
        if not declared and dataclasses.is_dataclass(hint):
            yield from texts(hint, path)
        elif could_name(hint):
            yield path, declared


def could_name(hint: Any) -> bool:
    if isinstance(hint, NewType):
        return hint is CustomerId
    if isinstance(hint, type) and issubclass(hint, Enum):
        return False
    if get_origin(hint) is not None:
        return any(map(could_name, get_args(hint)))
    return hint in (str, bytes, object, Any)


FIELDS = [found for kind in NAMES for found in texts(kind, kind.__name__)]


@pytest.mark.parametrize(("path", "declared"), FIELDS, ids=[path for path, _ in FIELDS])
def test_given_a_field_of_words_then_it_is_declared_as_personal_or_argued_not_to_be(path: str, declared: bool) -> None:
    assert declared != (path in IMPERSONAL), (
        f"{path} could tell of a person: declare it with `personal` in switchroom/domain/events, or say above why not"
    )


def test_given_the_arguments_then_each_is_about_a_field_that_is_there() -> None:
    assert set(IMPERSONAL) <= {path for path, _ in FIELDS}


def test_given_personal_fields_then_their_events_are_about_a_contact_and_of_one_kind() -> None:
    for kind in NAMES:
        if personal_fields(kind) is not None:
            assert issubclass(kind, ContactEvent), "they are erased by contact"


def test_given_fields_of_two_kinds_when_read_then_the_event_is_named() -> None:
    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Mixed(Event):
        caller: str = dataclasses.field(metadata=personal(Personal.PERSON, erased=""))
        value: str = dataclasses.field(metadata=personal(Personal.INPUT, erased=""))

    with pytest.raises(ValueError, match="Mixed declares personal fields of several kinds"):
        personal_fields(Mixed)
