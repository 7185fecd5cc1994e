"""What the menus need of the rest of the house."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from switchroom.domain.caller import Caller
from switchroom.domain.contact import Requirements
from switchroom.domain.events import InputKind
from switchroom.domain.ids import ContactId
from switchroom.storage.database import Database


class CallControl(Protocol):
    """The live calls, as far as a menu has to do with them (telephony.calls.Calls)."""

    async def claim(self, contact_id: ContactId, timeout_s: float) -> Caller:
        """Take a caller in hand. Raises `UnknownContact` if nobody knows it in time, or another session has it."""

    def release(self, contact_id: ContactId) -> None:
        """The session is over, for any reason."""

    def flow_started(self, contact_id: ContactId, flow: str, version: str) -> None: ...

    def node_visited(self, contact_id: ContactId, node: str) -> None: ...

    def input_taken(
        self, contact_id: ContactId, node: str, kind: InputKind, value: str, confidence: float | None
    ) -> None: ...

    def menu_input(self, contact_id: ContactId, number: int, kind: str, received: Mapping[str, Any]) -> None:
        """The menu took this in (`ivr.replay`): number in order, kind, and JSON data, masked where they are secret."""

    def resolved(self, contact_id: ContactId) -> None:
        """The caller has heard what they asked for."""

    async def queue(self, contact_id: ContactId, requirements: Requirements, collected: Mapping[str, str]) -> None:
        """Give the caller a place in line. Raises `Refused` (then the dialplan must find them one).

        Raises `UnknownContact` when they are gone.
        """

    async def fall_back(self, contact_id: ContactId, collected: Mapping[str, str]) -> None:
        """No menu can serve the caller: a place in the fallback queue. As `queue`."""

    async def finish(self, contact_id: ContactId) -> None:
        """The menu has said its last word: the call is to end. As `queue`."""


class LookupFailed(Exception):
    """The source of data refused, is not there, or gave nonsense."""


class LookupSource(Protocol):
    """One source of data: the arguments that it needs, and the fields of its records."""

    ARGUMENTS: ClassVar[frozenset[str]]
    FIELDS: ClassVar[frozenset[str]]

    def __init__(self, database: Database) -> None: ...

    async def look_up(self, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The record, in JSON values; None if there is none. Raises `LookupFailed`. The menu sets the deadline."""


class Lookups(Protocol):
    """The sources that menus name."""

    async def look_up(self, source: str, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The record, in JSON values; None if there is none. Raises `LookupFailed`. The menu sets the deadline."""
