"""Recordings."""

from dataclasses import dataclass, field

from switchroom.domain.events.base import Personal, personal
from switchroom.domain.events.contact import ContactEvent
from switchroom.domain.ids import AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingClosed(ContactEvent):
    """The softswitch writes no more into this raw file. The contact may go on; when it is over, all are closed."""

    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReady(ContactEvent):
    """A recording is finished and indexed. ``path`` is relative to the recordings folder, empty once
    the audio is deleted; levels are RMS, 0 to 1.
    """

    agent_id: AgentId
    path: str = field(metadata=personal(Personal.VOICE, erased=""))
    seconds: float
    left_rms: float
    right_rms: float
