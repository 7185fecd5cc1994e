"""What every event is, and how its fields that tell of a person are declared."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Personal(StrEnum):
    """What a field tells of a customer. Each kind is kept as long as its setting says (`retention`)."""

    PERSON = "person"
    """Who it is: number, name, id."""
    INPUT = "input"
    """What they pressed and said, and what a menu looked up for them."""
    VOICE = "voice"
    """Where their voice is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at ``at`` (aware, UTC)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class PersonalFields:
    """The fields of an event that go when its person is erased: all of one kind, with the JSON values left instead."""

    kind: Personal
    erased: Mapping[str, Any]


_KEY = "personal"


def personal(kind: Personal, *, erased: Any) -> Mapping[str, Any]:
    """The metadata of a field that tells of a person: ``caller: str = field(metadata=personal(…, erased=""))``.

    ``erased`` is the JSON value that is read once the person is erased. Such fields never stand in the log itself
    (`switchroom.storage.event_log`).
    """
    return {_KEY: (kind, erased)}


_declared: dict[type[Event], PersonalFields | None] = {}


def personal_fields(event: type[Event]) -> PersonalFields | None:
    """What the event declares; None when nothing in it tells of a person. ValueError: fields of several kinds."""
    if event not in _declared:
        _declared[event] = _read(event)
    return _declared[event]


def _read(event: type[Event]) -> PersonalFields | None:
    declared = {f.name: f.metadata[_KEY] for f in fields(event) if _KEY in f.metadata}
    if not declared:
        return None
    kinds = {kind for kind, _ in declared.values()}
    if len(kinds) > 1:
        raise ValueError(f"{event.__name__} declares personal fields of several kinds: they are kept in one row")
    return PersonalFields(kinds.pop(), MappingProxyType({name: erased for name, (_, erased) in declared.items()}))
