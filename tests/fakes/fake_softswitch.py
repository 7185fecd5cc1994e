"""A softswitch in memory: does what it is told, lets the test play the callers and the phones, notes every command.

It keeps the same contract as the real one (tests/e2e/test_softswitch_contract.py).
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from switchroom.domain.contact import Talk, Waiting
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from telephony.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerArrived,
    CallerFellBack,
    CallerLeft,
    CallGone,
    Delivery,
    LiveCall,
    LivePhase,
    PastCall,
    PhoneState,
    Snapshot,
    SwitchDown,
    SwitchError,
    SwitchEvent,
    SwitchUp,
)

Behaviour = Literal["answers", "rings", "busy"]


@dataclass(frozen=True, slots=True)
class Command:
    """One call of the port, as ``Command("connect", contact_id, (agent_id, 20))``."""

    name: str
    contact_id: ContactId
    arguments: tuple[object, ...] = ()


OFFER = OfferId("o1")
NOWHERE = Extension("")


def delivery(agent_id: AgentId, ring_timeout_s: int = 20, offer_id: OfferId = OFFER) -> Delivery:
    """An offer on its way to the phone of the agent's own number."""
    extension = Extension(agent_id)
    return Delivery(offer_id=offer_id, agent_id=agent_id, extension=extension, ring_timeout_s=ring_timeout_s)


@dataclass(slots=True)
class _Line:
    """A caller in the softswitch."""

    live: LiveCall
    extension: Extension = NOWHERE
    """Where it rings, or rang last."""
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
    deaf: bool = False
    """What happens is not told."""
    commands: list[Command] = field(default_factory=list)
    refuse: dict[str, SwitchError] = field(default_factory=dict)
    """Commands (by name) that fail, and how."""
    snapshot_taken: asyncio.Event = field(default_factory=asyncio.Event)
    snapshot_arrives: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared by a test that wants things to happen while a snapshot is on its way."""
    while_writing: Callable[[ContactId], None] = lambda _: None
    """What happens while a place is being written on a channel."""
    _started_at: datetime = field(init=False)
    _handler: Callable[[SwitchEvent], None] | None = None
    _lines: dict[ContactId, _Line] = field(default_factory=dict)
    _past: list[PastCall] = field(default_factory=list)
    _phones: dict[Extension, _Phone] = field(default_factory=dict)

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
            PhoneState(extension=extension, registered=True, in_use=phone.in_use)
            for extension, phone in self._phones.items()
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

    async def forget_past_calls(self, booked: Set[ContactId]) -> None:
        self._past = [call for call in self._past if call.contact_id not in booked]

    async def wait(self, contact_id: ContactId, waiting: Waiting, collected: Mapping[str, str] | None) -> None:
        line = self._command("wait", contact_id, waiting, None if collected is None else dict(collected))
        line.live = replace(line.live, waiting=waiting)
        if collected is not None:
            line.live = replace(line.live, collected=dict(collected))
        line.next = "waiting"
        self.while_writing(contact_id)

    async def connect(self, contact_id: ContactId, delivery: Delivery) -> None:
        line = self._command("connect", contact_id, delivery)
        offer_id, agent_id = delivery.offer_id, delivery.agent_id
        line.live = replace(line.live, phase=LivePhase.RINGING, agent_id=agent_id, offer_id=offer_id)
        line.extension = delivery.extension
        phone = self._phones.get(delivery.extension)
        if phone is None:
            self.fail(contact_id, OfferFailure.UNREACHABLE)
        elif phone.behaviour == "busy":
            self.fail(contact_id, OfferFailure.BUSY)
        else:
            self._tell(AgentRinging(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id))
            if phone.behaviour == "answers":
                self.answer(contact_id)

    async def transfer(self, contact_id: ContactId, waiting: Waiting) -> None:
        line = self._command("transfer", contact_id, waiting)
        over, extension = self._talk_over(line.live), line.extension
        assert over.offer_id is not None
        line.live = replace(
            line.live,
            phase=LivePhase.WAITING,
            waiting=waiting,
            agent_id=None,
            offer_id=None,
            answered_at=None,
            talks=(*line.live.talks, over),
        )
        self._tell(AgentLeft(contact_id=contact_id, offer_id=over.offer_id, agent_id=over.agent_id))
        self._free(extension)

    async def note_served(self, contact_id: ContactId) -> None:
        line = self._command("note_served", contact_id)
        line.live = replace(line.live, served=True)

    async def finish(self, contact_id: ContactId) -> None:
        self._command("finish", contact_id).next = "hangup"

    async def hang_up(self, contact_id: ContactId) -> None:
        self._command("hang_up", contact_id)
        self.caller_hangs_up(contact_id)

    # The world.

    def arrive(self, number: str, caller: str) -> ContactId:
        """A customer calls, and is in the menu."""
        contact_id = ContactId(str(uuid.uuid4()))
        self._lines[contact_id] = _Line(
            LiveCall(
                contact_id=contact_id, number=number, caller=caller, entered_at=self.now(), phase=LivePhase.IN_MENU
            )
        )
        self._tell(CallerArrived(contact_id=contact_id, number=number, caller=caller))
        return contact_id

    def let_go(self, contact_id: ContactId) -> None:
        """The menu lets go of the caller, who goes where `wait` or `finish` said; else back into the menu."""
        line = self._lines[contact_id]
        if line.next == "waiting":
            line.live = replace(line.live, phase=LivePhase.WAITING)
        elif line.next == "hangup":
            self.caller_hangs_up(contact_id)
        line.next = ""

    def fall_back(self, contact_id: ContactId, waiting: Waiting | None) -> None:
        """No menu could be reached; without ``waiting`` what is on the channel cannot be read."""
        line = self._lines[contact_id]
        line.live = replace(line.live, phase=LivePhase.WAITING, waiting=waiting)
        self._tell(CallerFellBack(contact_id=contact_id, waiting=waiting))

    def register(self, extension: Extension, behaviour: Behaviour = "answers") -> None:
        self._phones[extension] = _Phone(behaviour)
        self._tell_phone(extension)

    def unregister(self, extension: Extension) -> None:
        del self._phones[extension]
        self._tell_phone(extension)

    def answer(self, contact_id: ContactId) -> None:
        """The ringing agent takes the call."""
        line, offer_id, agent_id = self._ringing(contact_id)
        line.live = replace(line.live, phase=LivePhase.TALKING, answered_at=self.now())
        self._phones[line.extension].in_use = True
        self._tell(AgentAnswered(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id))
        self._tell_phone(line.extension)

    def fail(self, contact_id: ContactId, failure: OfferFailure) -> None:
        """The offer comes to nothing; the caller waits again."""
        line, offer_id, agent_id = self._ringing(contact_id)
        line.live = replace(line.live, phase=LivePhase.WAITING, agent_id=None, offer_id=None)
        self._tell(AgentFailed(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=failure))

    def agent_hangs_up(self, contact_id: ContactId) -> None:
        """The agent ends the talk; the dialplan ends the call."""
        assert self._lines[contact_id].live.phase is LivePhase.TALKING
        self.caller_hangs_up(contact_id)

    def caller_hangs_up(self, contact_id: ContactId) -> None:
        line = self._lines[contact_id]
        live = line.live
        self._write_down(live)
        if live.phase is LivePhase.RINGING:
            _, offer_id, agent_id = self._ringing(contact_id)
            left = OfferFailure.CALLER_LEFT
            self._tell(AgentFailed(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=left))
        elif live.phase is LivePhase.TALKING and live.agent_id is not None:
            left = self._talk_over(live)
            assert left.offer_id is not None
            self._tell(AgentLeft(contact_id=contact_id, offer_id=left.offer_id, agent_id=left.agent_id))
            self._free(line.extension)
        del self._lines[contact_id]
        self._tell(CallerLeft(contact_id=contact_id))

    def _write_down(self, live: LiveCall) -> None:
        talks = live.talks
        if live.phase is LivePhase.TALKING and live.answered_at is not None:
            talks = (*talks, self._talk_over(live))
        self._past.append(
            PastCall(
                contact_id=live.contact_id,
                number=live.number,
                caller=live.caller,
                entered_at=live.entered_at,
                ended_at=self.now(),
                talks=talks,
                waited_again=self._waited_again(live),
                served=live.served,
            )
        )

    def _waited_again(self, live: LiveCall) -> Waiting | None:
        place = live.waiting if live.phase is LivePhase.WAITING else None
        return place if place and live.talks and place.enqueued_at > live.talks[-1].began_at else None

    def _talk_over(self, live: LiveCall) -> Talk:
        assert live.agent_id is not None and live.offer_id is not None and live.answered_at is not None
        return Talk(agent_id=live.agent_id, offer_id=live.offer_id, began_at=live.answered_at, ended_at=self.now())

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

    def _command(self, name: str, contact_id: ContactId, *arguments: object) -> _Line:
        self._must_be_connected(name)
        self.commands.append(Command(name, contact_id, arguments))
        if contact_id not in self._lines:
            raise CallGone(contact_id)
        return self._lines[contact_id]

    def _ringing(self, contact_id: ContactId) -> tuple[_Line, OfferId, AgentId]:
        line = self._lines[contact_id]
        assert line.live.phase is LivePhase.RINGING, f"the call is {line.live.phase}"
        assert line.live.agent_id is not None and line.live.offer_id is not None
        return line, line.live.offer_id, line.live.agent_id

    def _free(self, extension: Extension) -> None:
        if extension in self._phones:
            self._phones[extension].in_use = False
            self._tell_phone(extension)

    def _tell_phone(self, extension: Extension) -> None:
        phone = self._phones.get(extension)
        in_use = phone is not None and phone.in_use
        self._tell(PhoneState(extension=extension, registered=phone is not None, in_use=in_use))

    def _tell(self, event: SwitchEvent) -> None:
        if self.connected and not self.deaf and self._handler is not None:
            self._handler(event)
