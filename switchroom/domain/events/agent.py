"""Agents, their phones and their desktops."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from switchroom.domain.events.base import Event
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName


class AgentState(StrEnum):
    LOGGED_OUT = "logged_out"
    AVAILABLE = "available"
    RESERVED = "reserved"
    BUSY = "busy"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateChanged(Event):
    """An agent moved to ``state``; ``reason`` is the pause reason, ``until`` the end of a timed state.

    ``queue`` is where the present call waited, ``requested`` the state (with its reason) that follows the call.
    """

    agent_id: AgentId
    state: AgentState
    reason: str | None = None
    contact_id: ContactId | None = None
    until: datetime | None = None
    queue: QueueName | None = None
    requested: AgentState | None = None
    requested_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChanged(Event):
    """A phone of the house registered, or went away."""

    extension: Extension
    registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskChanged(Event):
    """An agent sits at another phone, or the phone where they sit registered or went away.

    ``extension`` is None for an agent whose desk somebody else has taken.
    """

    agent_id: AgentId
    extension: Extension | None
    phone_registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopOpened(Event):
    """An agent who had no desktop connected has one."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopClosed(Event):
    """The last connection of an agent's desktops ended."""

    agent_id: AgentId
