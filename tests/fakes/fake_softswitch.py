"""A softswitch in memory: does what it is told, lets the test play the callers and the phones, notes every command.

It keeps the same contract as the real one (tests/e2e/test_softswitch_contract.py, test_softswitch_talks.py,
test_softswitch_consultations.py, test_softswitch_conferences.py).
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from switchroom.domain.contact import Waiting
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from telephony.softswitch.port import (
    AgentRinging,
    CallerArrived,
    CallerFellBack,
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
from tests.fakes.fake_talks import Behaviour, FakeTalks, Line, Phone


@dataclass(frozen=True, slots=True)
class Command:
    """One call of the port, as ``Command("connect", contact_id, (agent_id, 20))``."""

    name: str
    contact_id: ContactId
    arguments: tuple[object, ...] = ()


OFFER = OfferId("o1")


def delivery(agent_id: AgentId, ring_timeout_s: int = 20, offer_id: OfferId = OFFER) -> Delivery:
    """An offer on its way to the phone of the agent's own number."""
    extension = Extension(agent_id)
    return Delivery(offer_id=offer_id, agent_id=agent_id, extension=extension, ring_timeout_s=ring_timeout_s)


@dataclass(slots=True)
class FakeSoftswitch(FakeTalks):
    """Both sides: the port for the server, and below it what callers, phones and lines do in a test."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    connected: bool = False
    deaf: bool = False
    """What happens is not told."""
    commands: list[Command] = field(default_factory=list)
    refuse: dict[str, SwitchError] = field(default_factory=dict)
    """Commands (by name) that fail, and how."""
    unanswered: set[str] = field(default_factory=set)
    """Commands (by name) that are done, but the answer does not come in time."""
    snapshot_taken: asyncio.Event = field(default_factory=asyncio.Event)
    snapshot_arrives: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared by a test that wants things to happen while a snapshot is on its way."""
    while_writing: Callable[[ContactId], None] = lambda _: None
    """What happens while a place is being written on a channel."""
    _started_at: datetime = field(init=False)
    _handler: Callable[[SwitchEvent], None] | None = None
    lines: dict[ContactId, Line] = field(default_factory=dict)
    past: list[PastCall] = field(default_factory=list)
    phones: dict[Extension, Phone] = field(default_factory=dict)

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
            for extension, phone in self.phones.items()
        )
        found = Snapshot(
            calls=tuple(line.live for line in self.lines.values()),
            phones=tuple(phones),
            uptime_s=(self.now() - self._started_at).total_seconds(),
        )
        self.snapshot_taken.set()
        await self.snapshot_arrives.wait()
        return found

    async def past_calls(self) -> Sequence[PastCall]:
        return tuple(self.past)

    async def forget_past_calls(self, booked: Set[ContactId]) -> None:
        self.past = [call for call in self.past if call.contact_id not in booked]

    async def wait(self, contact_id: ContactId, waiting: Waiting, collected: Mapping[str, str] | None) -> None:
        line = self.command("wait", contact_id, waiting, None if collected is None else dict(collected))
        line.live = replace(line.live, waiting=waiting)
        if collected is not None:
            line.live = replace(line.live, collected=dict(collected))
        line.next = "waiting"
        self.while_writing(contact_id)

    async def connect(self, contact_id: ContactId, delivery: Delivery) -> None:
        line = self.command("connect", contact_id, delivery)
        offer_id, agent_id = delivery.offer_id, delivery.agent_id
        line.live = replace(line.live, phase=LivePhase.RINGING, agent_id=agent_id, offer_id=offer_id)
        line.extension = delivery.extension
        phone = self.phones.get(delivery.extension)
        if phone is None:
            self.fail(contact_id, OfferFailure.UNREACHABLE)
        elif phone.behaviour == "busy":
            self.fail(contact_id, OfferFailure.BUSY)
        else:
            self.tell(AgentRinging(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id))
            if phone.behaviour == "answers":
                self.answer(contact_id)

    async def note_served(self, contact_id: ContactId) -> None:
        line = self.command("note_served", contact_id)
        line.live = replace(line.live, served=True)

    async def finish(self, contact_id: ContactId) -> None:
        self.command("finish", contact_id).next = "hangup"

    async def hang_up(self, contact_id: ContactId) -> None:
        self.command("hang_up", contact_id)
        self.caller_hangs_up(contact_id)

    # The world.

    def arrive(self, number: str, caller: str) -> ContactId:
        """A customer calls, and is in the menu."""
        contact_id = ContactId(str(uuid.uuid4()))
        self.lines[contact_id] = Line(
            LiveCall(
                contact_id=contact_id, number=number, caller=caller, entered_at=self.now(), phase=LivePhase.IN_MENU
            )
        )
        self.tell(CallerArrived(contact_id=contact_id, number=number, caller=caller))
        return contact_id

    def let_go(self, contact_id: ContactId) -> None:
        """The menu lets go of the caller, who goes where `wait` or `finish` said; else back into the menu."""
        line = self.lines[contact_id]
        if line.next == "waiting":
            line.live = replace(line.live, phase=LivePhase.WAITING)
        elif line.next == "hangup":
            self.caller_hangs_up(contact_id)
        line.next = ""

    def fall_back(self, contact_id: ContactId, waiting: Waiting | None) -> None:
        """No menu could be reached; without ``waiting`` what is on the channel cannot be read."""
        line = self.lines[contact_id]
        line.live = replace(line.live, phase=LivePhase.WAITING, waiting=waiting)
        self.tell(CallerFellBack(contact_id=contact_id, waiting=waiting))

    def register(self, extension: Extension, behaviour: Behaviour = "answers") -> None:
        self.phones[extension] = Phone(behaviour)
        self.tell_phone(extension)

    def unregister(self, extension: Extension) -> None:
        del self.phones[extension]
        self.tell_phone(extension)

    def go_down(self) -> None:
        """The connection is lost; what happens now is not told."""
        self.connected = False
        if self._handler is not None:
            self._handler(SwitchDown())

    def crash(self) -> None:
        """It dies and starts again: every call in it is gone, and nobody is told until `come_up`."""
        self.go_down()
        self.lines.clear()
        self._started_at = self.now()

    def come_up(self) -> None:
        self.connected = True
        self.tell(SwitchUp())

    def _must_be_connected(self, command: str) -> None:
        if not self.connected:
            raise SwitchError("not connected")
        if command in self.refuse:
            raise self.refuse[command]

    def command(self, name: str, contact_id: ContactId, *arguments: object) -> Line:
        self._must_be_connected(name)
        self.commands.append(Command(name, contact_id, arguments))
        if contact_id not in self.lines:
            raise CallGone(contact_id)
        return self.lines[contact_id]

    def free(self, extension: Extension) -> None:
        if extension in self.phones:
            self.phones[extension].in_use = False
            self.tell_phone(extension)

    def tell_phone(self, extension: Extension) -> None:
        phone = self.phones.get(extension)
        in_use = phone is not None and phone.in_use
        self.tell(PhoneState(extension=extension, registered=phone is not None, in_use=in_use))

    def tell(self, event: SwitchEvent) -> None:
        if self.connected and not self.deaf and self._handler is not None:
            self._handler(event)
