"""Events as JSON values, for the ledger and the browsers."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from switchroom.domain.events import Event


def type_name(event: type[Event] | Event) -> str:
    """The CloudEvents type name.

    >>> from switchroom.domain.events import AgentStateChanged, ContactQueued
    >>> type_name(ContactQueued)
    'switchroom.contact.queued'
    >>> type_name(AgentStateChanged)
    'switchroom.agent.state.changed'
    """
    name = event.__name__ if isinstance(event, type) else type(event).__name__
    return "switchroom." + re.sub(r"(?<=[a-z])(?=[A-Z])", ".", name).lower()


def to_record(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values (times in RFC 3339, nested values as objects)."""
    return {f.name: _plain(getattr(event, f.name)) for f in dataclasses.fields(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(v) for v in value]
    return value
