"""What menus, ACD and desks do with the live calls, and what the softswitch says of them.

Each call has one mailbox, so that what happens to it happens in order and without locks. Domain events go out on the
bus.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import structlog

from switchroom.domain.brand import Brands
from switchroom.domain.call import CallState
from switchroom.domain.caller import Caller
from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.errors import UnknownContact
from switchroom.domain.events import (
    ContactRefused,
    InputKind,
    InputTaken,
    MenuInput,
    NodeVisited,
    OfferFailure,
    PhoneChanged,
    RecordingClosed,
    SwitchLost,
)
from switchroom.domain.ids import ContactId, Extension, QueueName
from switchroom.domain.views import CallView
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from telephony import talking
from telephony.call import Call
from telephony.places import Places
from telephony.reconcile import Bookings, Reconciler
from telephony.registry import CallRegistry
from telephony.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerArrived,
    CallerFellBack,
    CallerHeld,
    CallerJoined,
    CallerLeft,
    CallerRefused,
    CallGone,
    ConferenceBegan,
    ConsultBegan,
    ConsultOver,
    Delivery,
    FileClosed,
    PhoneState,
    Softswitch,
    SwitchDown,
    SwitchError,
    SwitchEvent,
    SwitchUp,
)
from telephony.talk_requests import TalkRequests

log = structlog.get_logger(__name__)

RECONCILE_EVERY_S = 60.0
"""Events can be lost: the softswitch is asked for the whole picture this often."""


class Calls:
    """All live calls of this server (ivr.ports.CallControl, cti_bridge.calls.port.LiveCalls)."""

    def __init__(
        self, switch: Softswitch, bus: Bus, clock: Clock, bookings: Bookings, fallback: QueueName, brands: Brands
    ) -> None:
        """``fallback`` is the queue of callers whose own nobody knows."""
        self._switch = switch
        self._bus = bus
        self._clock = clock
        self._phones: dict[Extension, bool] = {}
        """Which phones are registered, as it was said last: the softswitch repeats itself."""
        self._tasks = BackgroundTasks()
        self._calls = CallRegistry(self._tasks, bus, clock, fallback, brands)
        self._reconciler = Reconciler(self._calls, switch, bookings, bus, clock, self._tasks, self._on_switch)
        self._reconciling: asyncio.Task[None] | None = None
        self.places = Places(self._calls, switch, bus, clock)
        self.talks = TalkRequests(self._calls, switch, clock)

    async def start(self) -> None:
        await self._switch.start(self._on_switch)
        self._tasks.spawn(self._reconcile_regularly(), name="calls.reconcile")

    async def stop(self) -> None:
        """Let go of everything; the calls themselves go on in the softswitch."""
        await self._switch.stop()
        await self._tasks.close()

    def live(self) -> list[CallView]:
        """Every live call, the oldest first."""
        return [call.view for call in sorted(self._calls, key=lambda call: call.entered_at)]

    def count(self) -> int:
        """How many calls are live."""
        return len(self._calls)

    def find(self, contact_id: ContactId) -> CallView | None:
        """A live call."""
        call = self._calls.get(contact_id)
        return call.view if call is not None else None

    # Requests of the menu that holds the caller.

    async def claim(self, contact_id: ContactId, timeout_s: float) -> Caller:
        """The caller behind a media connection; UnknownContact unless it arrives in time and nobody else holds it."""
        call = await self._calls.arrival(contact_id, timeout_s)
        if call.claimed or call.state not in (CallState.ENTERED, CallState.IN_MENU):
            raise UnknownContact(contact_id)
        call.claimed = True
        try:
            await self.places.identified(call)
        except asyncio.CancelledError:
            call.claimed = False
            raise
        return call.caller

    def release(self, contact_id: ContactId) -> None:
        """The media connection is over; the dialplan may bring the caller back over a new one."""
        if (call := self._calls.get(contact_id)) is not None:
            call.claimed = False

    def flow_started(self, contact_id: ContactId, flow: str, version: str) -> None:
        if (call := self._calls.get(contact_id)) is not None:
            call.menu_started(flow, version)

    def node_visited(self, contact_id: ContactId, node: str) -> None:
        if self._calls.get(contact_id) is not None:
            self._bus.publish(NodeVisited(at=self._clock.now(), contact_id=contact_id, node=node))

    def input_taken(
        self, contact_id: ContactId, node: str, kind: InputKind, value: str, confidence: float | None = None
    ) -> None:
        if self._calls.get(contact_id) is not None:
            now = self._clock.now()
            self._bus.publish(
                InputTaken(at=now, contact_id=contact_id, node=node, kind=kind, value=value, confidence=confidence)
            )

    def menu_input(self, contact_id: ContactId, number: int, kind: str, received: Mapping[str, Any]) -> None:
        if self._calls.get(contact_id) is not None:
            now = self._clock.now()
            self._bus.publish(MenuInput(at=now, contact_id=contact_id, number=number, kind=kind, received=received))

    def resolved(self, contact_id: ContactId) -> None:
        """The caller has heard what they asked for: a hang-up in the menu is self-service from here on."""
        if (call := self._calls.get(contact_id)) is not None and not call.resolved:
            call.resolved = True
            call.mailbox.post(lambda: self._note_served(contact_id))

    async def queue(self, contact_id: ContactId, requirements: Requirements, collected: Mapping[str, str]) -> None:
        """Put the caller in line. Returns when the place is written on the channel; a place once had is kept."""
        call = self._calls.known(contact_id)

        async def work() -> None:
            await self.places.identified(call)
            waiting = call.waiting or Waiting(call.ranked(requirements), self._clock.now())
            await self._switch.wait(contact_id, waiting, collected)
            call.queued(waiting, collected)
            if call.ranked(waiting.requirements) != waiting.requirements:  # who it is was told while it was written
                await self.places.rank(call)

        await self.talks.ask(call, work)

    async def fall_back(self, contact_id: ContactId, collected: Mapping[str, str]) -> None:
        """The menu cannot go on: the caller waits in the fallback queue. As `queue`."""
        tier = self._calls.known(contact_id).caller.tier
        await self.queue(contact_id, Requirements(self._calls.fallback, tier=tier), collected)

    async def finish(self, contact_id: ContactId) -> None:
        """The menu is done with the caller: the dialplan hangs up when the media connection closes."""
        call = self._calls.known(contact_id)
        await self.talks.ask(call, lambda: self._switch.finish(contact_id))

    # Requests of ACD and desks.

    async def connect(self, contact_id: ContactId, delivery: Delivery) -> None:
        """Ring the agent; OfferFailed follows when that cannot be. UnknownContact if the caller is gone.

        Cancelled before the call's mailbox comes to it, it rings nobody.
        """
        call = self._calls.known(contact_id)

        async def work() -> None:
            if call.state is CallState.OFFERED and call.offer_id != delivery.offer_id:
                self._offer_crossed(call, delivery)
            if call.state is not CallState.QUEUED:
                return
            call.offered(delivery.agent_id, delivery.offer_id)
            try:
                await self._switch.connect(contact_id, delivery)
            except CallGone:
                log.info("calls.gone_before_ringing", contact_id=contact_id)
            except SwitchError as error:
                log.warning("calls.connect_failed", contact_id=contact_id, offer_id=delivery.offer_id, error=str(error))
                call.offer_failed(delivery.offer_id, delivery.agent_id, OfferFailure.SWITCH_FAILED)

        await self._calls.ask(call, work)

    def _offer_crossed(self, call: Call, delivery: Delivery) -> None:
        """The end of the offer before was not heard: this one fails, and the softswitch is asked how it is."""
        log.warning("calls.offer_crossed", contact_id=call.contact_id, offer_id=delivery.offer_id, open=call.offer_id)
        call.tell_offer_failed(delivery.offer_id, delivery.agent_id, OfferFailure.SWITCH_FAILED)
        if self._switch.connected and (self._reconciling is None or self._reconciling.done()):
            self._begin_reconcile()

    # What the softswitch says.

    def _on_switch(self, event: SwitchEvent) -> None:
        match event:
            case SwitchUp():
                self._begin_reconcile()
            case SwitchDown():
                self._bus.publish(SwitchLost(at=self._clock.now()))
            case PhoneState(extension=extension, registered=registered):
                if self._phones.get(extension) is not registered:
                    self._phones[extension] = registered
                    self._bus.publish(PhoneChanged(at=self._clock.now(), extension=extension, registered=registered))
            case CallerArrived(contact_id=contact_id, number=number, caller=phone):
                if self._calls.get(contact_id) is None:
                    self._calls.open(contact_id, number, phone, self._clock.now()).entered()
            case CallerRefused(contact_id=contact_id, number=number, caller=phone):
                self._calls.remember(contact_id)
                log.warning("calls.refused", contact_id=contact_id)
                now = self._clock.now()
                self._bus.publish(
                    ContactRefused(
                        at=now, contact_id=contact_id, number=number, caller=phone, brand=self._calls.brand(number).name
                    )
                )
            case _:
                if isinstance(event, CallerLeft):
                    self._reconciler.gone(event.contact_id)
                call = self._calls.get(event.contact_id)  # type: ignore[attr-defined]  # all other events have one
                if call is not None:
                    call.mailbox.post(lambda: self._take(call, event))

    async def _take(self, call: Call, event: SwitchEvent) -> None:
        match event:
            case AgentRinging(offer_id=offer_id) | AgentAnswered(offer_id=offer_id) | ConsultOver(offer_id=offer_id):
                talking.consulted_leg_told(call, offer_id)
        match event:
            case CallerFellBack(waiting=waiting):
                await self.places.fell_back(call, waiting)
            case AgentFailed(offer_id=offer_id, agent_id=agent_id, failure=failure):
                call.offer_failed(offer_id, agent_id, failure)
            case AgentRinging(offer_id=offer_id, agent_id=agent_id):
                call.rang(agent_id, offer_id)
            case AgentAnswered(offer_id=offer_id, at=at) if call.is_second(offer_id):
                talking.consult_answered(call, at)
            case AgentAnswered(offer_id=offer_id, agent_id=agent_id, at=at):
                talking.answered(call, agent_id, offer_id, at)
            case CallerHeld():
                talking.held(call)
            case CallerJoined(offer_id=offer_id, agent_id=agent_id):
                talking.joined(call, offer_id, agent_id)
            case ConsultBegan(offer_id=offer_id, agent_id=agent_id):
                talking.consult_began(call, offer_id, agent_id)
            case ConsultOver(offer_id=offer_id, failure=failure):
                talking.consult_failed(call, offer_id, failure)
            case ConferenceBegan():
                talking.conference_began(call)
            case AgentLeft(offer_id=offer_id, agent_id=agent_id, waits=waits, transferred=transferred, at=at):
                known = (call.transfer_to if transferred else None) or call.waiting
                place = self._calls.place(call, known) if waits else None
                if not talking.agent_left(call, offer_id, agent_id, at, place):
                    self._calls.end(call)
            case FileClosed(file=file):
                call.publish(RecordingClosed(at=call.now(), contact_id=call.contact_id, file=file))
            case CallerLeft():
                self._calls.end(call)

    async def _note_served(self, contact_id: ContactId) -> None:
        with contextlib.suppress(SwitchError):  # gone, or away: the caller is served all the same
            await self._switch.note_served(contact_id)

    # Reconciliation.

    def _begin_reconcile(self) -> None:
        """Anew: one that is under way may wait for a connection that is gone."""
        if self._reconciling is not None:
            self._reconciling.cancel()
        self._reconciling = self._tasks.spawn(self._reconciler.run(), name="calls.reconcile_once")

    async def _reconcile_regularly(self) -> None:
        while True:
            await asyncio.sleep(RECONCILE_EVERY_S)
            if self._switch.connected:
                self._begin_reconcile()
