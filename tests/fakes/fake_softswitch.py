"""A softswitch in memory: does what it is told, lets the test play the callers and the phones, notes every command.

It keeps the same contract as the real one (tests/e2e/test_softswitch_contract.py).
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from switchroom.domain.contact import Waiting
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, CallId
from switchroom.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerArrived,
    CallerFellBack,
    CallerLeft,
    CallGone,
    LiveCall,
    LivePhase,
    PastCall,
    PhoneState,
    Snapshot,
    SwitchDown,
    SwitchError,
    SwitchEvent,
    SwitchUp,
    Talk,
)

Behaviour = Literal["answers", "rings", "busy"]


@dataclass(frozen=True, slots=True)
class Command:
    """One call of the port, as ``Command("connect", call_id, (agent_id, 20))``."""

    name: str
    call_id: CallId
    arguments: tuple[object, ...] = ()


@dataclass(slots=True)
class _Line:
    """A caller in the softswitch."""

    live: LiveCall
    next: Literal["", "waiting", "hangup"] = ""


@dataclass(slots=True)
class _Phone:
    behaviour: Behaviour
    in_use: bool = False


@dataclass(slots=True)
class FakeSoftswitch:
    """Both sides: the port for the server, and below it what callers, phones and lines do in a test."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    connected: bool = False
    commands: list[Command] = field(default_factory=list)
    refuse: dict[str, SwitchError] = field(default_factory=dict)
    """Commands (by name) that fail, and how."""
    snapshot_taken: asyncio.Event = field(default_factory=asyncio.Event)
    snapshot_arrives: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared by a test that wants things to happen while a snapshot is on its way."""
    while_writing: Callable[[CallId], None] = lambda _: None
    """What happens while a place is being written on a channel."""
    _started_at: datetime = field(init=False)
    _handler: Callable[[SwitchEvent], None] | None = None
    _lines: dict[CallId, _Line] = field(default_factory=dict)
    _past: list[PastCall] = field(default_factory=list)
    _phones: dict[AgentId, _Phone] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.snapshot_arrives.set()
        self._started_at = self.now()

    # The port.

    async def start(self, handler: Callable[[SwitchEvent], None]) -> None:
        self._handler = handler
        self.come_up()

    async def stop(self) -> None:
        self._handler = None
        self.connected = False

    async def snapshot(self) -> Snapshot:
        self._must_be_connected("snapshot")
        phones = (
            PhoneState(agent_id=agent_id, registered=True, in_use=phone.in_use)
            for agent_id, phone in self._phones.items()
        )
        found = Snapshot(
            calls=tuple(line.live for line in self._lines.values()),
            phones=tuple(phones),
            uptime_s=(self.now() - self._started_at).total_seconds(),
        )
        self.snapshot_taken.set()
        await self.snapshot_arrives.wait()
        return found

    async def past_calls(self) -> Sequence[PastCall]:
        return tuple(self._past)

    async def forget_past_calls(self, booked: Set[CallId]) -> None:
        self._past = [call for call in self._past if call.call_id not in booked]

    async def wait(self, call_id: CallId, waiting: Waiting, collected: Mapping[str, str] | None) -> None:
        line = self._command("wait", call_id, waiting, None if collected is None else dict(collected))
        line.live = replace(line.live, waiting=waiting)
        if collected is not None:
            line.live = replace(line.live, collected=dict(collected))
        line.next = "waiting"
        self.while_writing(call_id)

    async def connect(self, call_id: CallId, agent_id: AgentId, ring_timeout_s: int) -> None:
        line = self._command("connect", call_id, agent_id, ring_timeout_s)
        line.live = replace(line.live, phase=LivePhase.RINGING, agent_id=agent_id)
        phone = self._phones.get(agent_id)
        if phone is None:
            self.fail(call_id, OfferFailure.UNREACHABLE)
        elif phone.behaviour == "busy":
            self.fail(call_id, OfferFailure.BUSY)
        else:
            self._tell(AgentRinging(call_id=call_id, agent_id=agent_id))
            if phone.behaviour == "answers":
                self.answer(call_id)

    async def note_served(self, call_id: CallId) -> None:
        line = self._command("note_served", call_id)
        line.live = replace(line.live, served=True)

    async def finish(self, call_id: CallId) -> None:
        self._command("finish", call_id).next = "hangup"

    async def hang_up(self, call_id: CallId) -> None:
        self._command("hang_up", call_id)
        self.caller_hangs_up(call_id)

    # The world.

    def arrive(self, number: str, caller: str) -> CallId:
        """A customer calls, and is in the menu."""
        call_id = CallId(str(uuid.uuid4()))
        self._lines[call_id] = _Line(
            LiveCall(call_id=call_id, number=number, caller=caller, entered_at=self.now(), phase=LivePhase.IN_MENU)
        )
        self._tell(CallerArrived(call_id=call_id, number=number, caller=caller))
        return call_id

    def let_go(self, call_id: CallId) -> None:
        """The menu lets go of the caller, who goes where `wait` or `finish` said; else back into the menu."""
        line = self._lines[call_id]
        if line.next == "waiting":
            line.live = replace(line.live, phase=LivePhase.WAITING)
        elif line.next == "hangup":
            self.caller_hangs_up(call_id)
        line.next = ""

    def fall_back(self, call_id: CallId, waiting: Waiting | None) -> None:
        """No menu could be reached; without ``waiting`` what is on the channel cannot be read."""
        line = self._lines[call_id]
        line.live = replace(line.live, phase=LivePhase.WAITING, waiting=waiting)
        self._tell(CallerFellBack(call_id=call_id, waiting=waiting))

    def register(self, agent_id: AgentId, behaviour: Behaviour = "answers") -> None:
        self._phones[agent_id] = _Phone(behaviour)
        self._tell_phone(agent_id)

    def unregister(self, agent_id: AgentId) -> None:
        del self._phones[agent_id]
        self._tell_phone(agent_id)

    def answer(self, call_id: CallId) -> None:
        """The ringing agent takes the call."""
        line, agent_id = self._ringing(call_id)
        line.live = replace(line.live, phase=LivePhase.TALKING, answered_at=self.now())
        self._phones[agent_id].in_use = True
        self._tell(AgentAnswered(call_id=call_id, agent_id=agent_id))
        self._tell_phone(agent_id)

    def fail(self, call_id: CallId, failure: OfferFailure) -> None:
        """The offer comes to nothing; the caller waits again."""
        line, agent_id = self._ringing(call_id)
        line.live = replace(line.live, phase=LivePhase.WAITING, agent_id=None)
        self._tell(AgentFailed(call_id=call_id, agent_id=agent_id, failure=failure))

    def agent_hangs_up(self, call_id: CallId) -> None:
        """The agent ends the talk; the dialplan ends the call."""
        assert self._lines[call_id].live.phase is LivePhase.TALKING
        self.caller_hangs_up(call_id)

    def caller_hangs_up(self, call_id: CallId) -> None:
        live = self._lines.pop(call_id).live
        self._write_down(live)
        if live.phase is LivePhase.RINGING and live.agent_id is not None:
            self._tell(AgentFailed(call_id=call_id, agent_id=live.agent_id, failure=OfferFailure.CALLER_LEFT))
        elif live.phase is LivePhase.TALKING and live.agent_id is not None:
            self._tell(AgentLeft(call_id=call_id, agent_id=live.agent_id))
            self._free(live.agent_id)
        self._tell(CallerLeft(call_id=call_id))

    def _write_down(self, live: LiveCall) -> None:
        talks: tuple[Talk, ...] = ()
        if live.phase is LivePhase.TALKING and live.agent_id is not None and live.answered_at is not None:
            talks = (Talk(agent_id=live.agent_id, answered_at=live.answered_at, ended_at=self.now()),)
        self._past.append(
            PastCall(
                call_id=live.call_id,
                number=live.number,
                caller=live.caller,
                entered_at=live.entered_at,
                ended_at=self.now(),
                talks=talks,
                served=live.served,
            )
        )

    def go_down(self) -> None:
        """The connection is lost; what happens now is not told."""
        self.connected = False
        if self._handler is not None:
            self._handler(SwitchDown())

    def crash(self) -> None:
        """It dies and starts again: every call in it is gone, and nobody is told until `come_up`."""
        self.go_down()
        self._lines.clear()
        self._started_at = self.now()

    def come_up(self) -> None:
        self.connected = True
        self._tell(SwitchUp())

    def _must_be_connected(self, command: str) -> None:
        if not self.connected:
            raise SwitchError("not connected")
        if command in self.refuse:
            raise self.refuse[command]

    def _command(self, name: str, call_id: CallId, *arguments: object) -> _Line:
        self._must_be_connected(name)
        self.commands.append(Command(name, call_id, arguments))
        if call_id not in self._lines:
            raise CallGone(call_id)
        return self._lines[call_id]

    def _ringing(self, call_id: CallId) -> tuple[_Line, AgentId]:
        line = self._lines[call_id]
        assert line.live.phase is LivePhase.RINGING, f"the call is {line.live.phase}"
        assert line.live.agent_id is not None
        return line, line.live.agent_id

    def _free(self, agent_id: AgentId) -> None:
        if agent_id in self._phones:
            self._phones[agent_id].in_use = False
            self._tell_phone(agent_id)

    def _tell_phone(self, agent_id: AgentId) -> None:
        phone = self._phones.get(agent_id)
        in_use = phone is not None and phone.in_use
        self._tell(PhoneState(agent_id=agent_id, registered=phone is not None, in_use=in_use))

    def _tell(self, event: SwitchEvent) -> None:
        if self.connected and self._handler is not None:
            self._handler(event)
