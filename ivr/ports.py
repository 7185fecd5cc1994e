"""What the menus want of the rest of the house."""

from collections.abc import Mapping
from typing import Any, Protocol

from switchroom.domain.caller import Caller
from switchroom.domain.contact import Requirements
from switchroom.domain.events import InputKind
from switchroom.domain.ids import CallId


class CallControl(Protocol):
    """The live calls, as far as a menu has to do with them (switchroom.calls.Calls)."""

    async def claim(self, call_id: CallId, timeout_s: float) -> Caller:
        """Take a caller in hand. Raises `UnknownCall` if nobody knows it in time, or another session has it."""

    def release(self, call_id: CallId) -> None:
        """The session is over, for whatever reason."""

    def flow_started(self, call_id: CallId, flow: str, version: str) -> None: ...

    def node_visited(self, call_id: CallId, node: str) -> None: ...

    def input_taken(
        self, call_id: CallId, node: str, kind: InputKind, value: str, confidence: float | None
    ) -> None: ...

    def resolved(self, call_id: CallId) -> None:
        """The caller has been told what they wanted."""

    async def queue(self, call_id: CallId, requirements: Requirements, collected: Mapping[str, str]) -> None:
        """Give the caller a place in line. Raises `SwitchError`; then the dialplan must find them one."""

    async def fall_back(self, call_id: CallId, collected: Mapping[str, str]) -> None:
        """No menu can serve the caller: a place in the fallback queue. Raises `SwitchError`."""

    async def finish(self, call_id: CallId) -> None:
        """The menu has said its last word: the call is to end. Raises `SwitchError`."""


class DipFailed(Exception):
    """The source of data refused, is not there, or gave nonsense."""


class Dips(Protocol):
    """Sources of data that menus look things up in."""

    async def look_up(self, source: str, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The record; None if there is none. Raises `DipFailed`. The menu sets the deadline."""
