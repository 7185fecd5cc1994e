"""The live calls: one mailbox task each, so that what happens to a call happens in order and without locks.

The softswitch's events and the wishes of menus and ACD come in; domain events go out on the bus. After every
(re)connection `reconcile` compares what is known with what the softswitch holds: calls that went on meanwhile are
adopted with what is written on their channels, calls that are gone are ended.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from switchroom.bus import Bus
from switchroom.call import Call
from switchroom.clock import Clock
from switchroom.domain.call import CallState
from switchroom.domain.caller import Caller
from switchroom.domain.contact import Requirements, Tier, Waiting
from switchroom.domain.errors import Refused, UnknownCall
from switchroom.domain.events import (
    AgentRang,
    CustomerIdentified,
    InputKind,
    InputTaken,
    NodeVisited,
    OfferFailure,
    PhoneChanged,
    Reconciled,
    SwitchLost,
)
from switchroom.domain.ids import AgentId, CallId, QueueName
from switchroom.domain.views import CallView
from switchroom.mailbox import Mailbox, MailboxClosed, Work
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
    PhoneState,
    Softswitch,
    SwitchDown,
    SwitchError,
    SwitchEvent,
    SwitchUp,
)
from switchroom.tasks import TaskGroup

log = structlog.get_logger(__name__)

IDENTIFY_WITHIN_S = 0.5
"""How long a menu waits to learn who is calling; after that it greets a stranger."""

RECONCILE_EVERY_S = 60.0
"""Events can be lost: the softswitch is asked for the whole picture this often."""

FOUND_IN: Mapping[LivePhase, CallState] = {
    LivePhase.ARRIVING: CallState.ENTERED,
    LivePhase.IN_MENU: CallState.ENTERED,
    LivePhase.WAITING: CallState.QUEUED,
    LivePhase.RINGING: CallState.RINGING,
    LivePhase.TALKING: CallState.CONNECTED,
}
"""A caller who is LEAVING is as good as gone."""


class Calls:
    """All live calls of this server (ivr.ports.CallControl, cti_bridge.api.ports.CallDesk)."""

    def __init__(self, switch: Softswitch, bus: Bus, clock: Clock, fallback: QueueName) -> None:
        """``fallback`` is the queue of callers whose own nobody knows."""
        self._switch = switch
        self._fallback = fallback
        self._bus = bus
        self._clock = clock
        self._calls: dict[CallId, Call] = {}
        self._arrivals: dict[CallId, asyncio.Event] = {}
        self._phones: dict[AgentId, bool] = {}
        """Which agents' phones are registered, as it was said last: the softswitch repeats itself."""
        self._tasks = TaskGroup()
        self._reconciling: asyncio.Task[None] | None = None
        self._gone: set[CallId] = set()
        """Calls that ended since the last snapshot was asked for: it may still show them."""
        bus.subscribe(CustomerIdentified, self._on_identified)

    async def start(self) -> None:
        await self._switch.start(self._on_switch)
        self._tasks.spawn(self._reconcile_regularly(), name="calls.reconcile")

    async def stop(self) -> None:
        """Let go of everything; the calls themselves go on in the softswitch."""
        await self._switch.stop()
        await self._tasks.close()

    def live(self) -> list[CallView]:
        """Every live call, the oldest first."""
        return [call.view for call in sorted(self._calls.values(), key=lambda call: call.entered_at)]

    # Wishes of the menu that holds the caller.

    async def claim(self, call_id: CallId, timeout_s: float) -> Caller:
        """The caller behind a media connection; UnknownCall unless it arrives in time and nobody else holds it."""
        call = await self._arrival(call_id, timeout_s)
        if call.claimed or call.state not in (CallState.ENTERED, CallState.IN_MENU):
            raise UnknownCall(call_id)
        call.claimed = True
        try:
            await asyncio.wait_for(call.identified.wait(), IDENTIFY_WITHIN_S)
        except TimeoutError:
            log.info("calls.caller_unidentified", call_id=call_id)
        except asyncio.CancelledError:
            call.claimed = False
            raise
        return call.caller

    def release(self, call_id: CallId) -> None:
        """The media connection is over; the dialplan may bring the caller back over a new one."""
        if (call := self._calls.get(call_id)) is not None:
            call.claimed = False

    def flow_started(self, call_id: CallId, flow: str, version: str) -> None:
        if (call := self._calls.get(call_id)) is not None:
            call.menu_started(flow, version)

    def node_visited(self, call_id: CallId, node: str) -> None:
        if call_id in self._calls:
            self._bus.publish(NodeVisited(at=self._clock.now(), call_id=call_id, node=node))

    def input_taken(
        self, call_id: CallId, node: str, kind: InputKind, value: str, confidence: float | None = None
    ) -> None:
        if call_id in self._calls:
            now = self._clock.now()
            self._bus.publish(
                InputTaken(at=now, call_id=call_id, node=node, kind=kind, value=value, confidence=confidence)
            )

    def resolved(self, call_id: CallId) -> None:
        """The caller has heard what they asked for: a hang-up in the menu is self-service from here on."""
        if (call := self._calls.get(call_id)) is not None:
            call.resolved = True

    async def queue(self, call_id: CallId, requirements: Requirements, collected: Mapping[str, str]) -> None:
        """Put the caller in line. Returns when the place is written on the channel; a place once had is kept."""
        call = self._known(call_id)

        async def work() -> None:
            waiting = call.waiting or Waiting(requirements, self._clock.now())
            await self._switch.wait(call_id, waiting, collected)
            call.queued(waiting, collected)

        await self._ask(call, work)

    async def fall_back(self, call_id: CallId, collected: Mapping[str, str]) -> None:
        """The menu cannot go on: the caller waits in the fallback queue. As `queue`."""
        await self.queue(call_id, Requirements(self._fallback, tier=self._known(call_id).caller.tier), collected)

    async def finish(self, call_id: CallId) -> None:
        """The menu is done with the caller: the dialplan hangs up when the media connection closes."""
        call = self._known(call_id)
        await self._ask(call, lambda: self._switch.finish(call_id))

    # Wishes of ACD and desks.

    async def connect(self, call_id: CallId, agent_id: AgentId, ring_timeout_s: int) -> None:
        """Ring the agent; OfferFailed follows when that cannot be. UnknownCall if the caller is gone."""
        call = self._known(call_id)

        async def work() -> None:
            if call.state is not CallState.QUEUED:
                return
            call.offered(agent_id)
            try:
                await self._switch.connect(call_id, agent_id, ring_timeout_s)
            except CallGone:
                log.info("calls.gone_before_ringing", call_id=call_id)
            except SwitchError as error:
                log.warning("calls.connect_failed", call_id=call_id, agent_id=agent_id, error=str(error))
                call.offer_failed(agent_id, OfferFailure.SWITCH_FAILED)

        await self._ask(call, work)

    async def hang_up(self, call_id: CallId) -> None:
        """End the call now; UnknownCall if there is none, Refused if the softswitch does not answer."""
        call = self._known(call_id)
        try:
            await self._ask(call, lambda: self._switch.hang_up(call_id))
        except CallGone:
            raise UnknownCall(call_id) from None
        except SwitchError as error:
            raise Refused("The softswitch does not answer; the call goes on.") from error

    # What the softswitch says.

    def _on_switch(self, event: SwitchEvent) -> None:
        match event:
            case SwitchUp():
                self._begin_reconcile()
            case SwitchDown():
                self._bus.publish(SwitchLost(at=self._clock.now()))
            case PhoneState(agent_id=agent_id, registered=registered):
                if self._phones.get(agent_id) is not registered:
                    self._phones[agent_id] = registered
                    self._bus.publish(PhoneChanged(at=self._clock.now(), agent_id=agent_id, registered=registered))
            case CallerArrived(call_id=call_id, number=number, caller=phone):
                if call_id not in self._calls:
                    self._open(call_id, number, phone, self._clock.now()).entered()
            case _:
                if isinstance(event, CallerLeft | AgentLeft):
                    self._gone.add(event.call_id)
                call = self._calls.get(event.call_id)  # type: ignore[attr-defined]  # all other events have one
                if call is not None:
                    self._post(call, event)

    async def _happened(self, call: Call, event: SwitchEvent) -> None:
        match event:
            case CallerFellBack(waiting=waiting):
                await self._fell_back(call, waiting)
            case AgentRinging(agent_id=agent_id):
                self._bus.publish(AgentRang(at=self._clock.now(), call_id=call.call_id, agent_id=agent_id))
            case AgentAnswered(agent_id=agent_id):
                call.answered(agent_id)
            case AgentFailed(agent_id=agent_id, failure=failure):
                call.offer_failed(agent_id, failure)
            case CallerLeft() | AgentLeft():
                self._end(call)

    async def _fell_back(self, call: Call, written: Waiting | None) -> None:
        """The dialplan knows no tiers: who was recognised keeps their own, on the channel too."""
        if call.state not in (CallState.ENTERED, CallState.IN_MENU):
            return  # a place once had is kept
        waiting = self._place(call, written)
        tier = max(waiting.requirements.tier, call.caller.tier, key=tuple(Tier).index)
        if tier is not waiting.requirements.tier:
            waiting = replace(waiting, requirements=replace(waiting.requirements, tier=tier))
            try:
                await self._switch.wait(call.call_id, waiting, {})
            except SwitchError as error:
                log.warning("calls.tier_not_written", call_id=call.call_id, error=str(error))
        call.queued(waiting, {})

    def _place(self, call: Call, written: Waiting | None) -> Waiting:
        """The place in line that is written on the channel; one in the fallback queue when that cannot be read."""
        if written is None:
            log.warning("calls.place_unreadable", call_id=call.call_id)
        return written or Waiting(Requirements(self._fallback, tier=call.caller.tier), call.entered_at)

    def _end(self, call: Call, *, by_softswitch: bool = False) -> None:
        if self._calls.pop(call.call_id, None) is not None:
            call.ended(by_softswitch=by_softswitch)

    # Reconciliation.

    def _begin_reconcile(self) -> None:
        """Anew: one that is under way may wait for a connection that is gone."""
        if self._reconciling is not None:
            self._reconciling.cancel()
        self._reconciling = self._tasks.spawn(self.reconcile(), name="calls.reconcile_once")

    async def _reconcile_regularly(self) -> None:
        while True:
            await asyncio.sleep(RECONCILE_EVERY_S)
            if self._switch.connected:
                self._begin_reconcile()

    async def reconcile(self) -> None:
        """Make what is known equal to what the softswitch holds; retried by the next login or minute if it fails."""
        before = {call_id: call.moves for call_id, call in self._calls.items()}
        self._gone.clear()
        try:
            found = await self._switch.snapshot()
        except SwitchError as error:
            log.warning("calls.reconcile_failed", error=str(error))
            return
        for phone in found.phones:
            self._on_switch(phone)
        present = {
            live.call_id: live for live in found.calls if live.phase in FOUND_IN and live.call_id not in self._gone
        }
        for call_id in before.keys() - present.keys() - self._gone:
            if (call := self._calls.get(call_id)) is not None:
                older = found.uptime_s is not None and self._age_s(call) > found.uptime_s
                log.warning("calls.vanished", call_id=call_id, state=call.state, softswitch_restarted=older)
                self._end(call, by_softswitch=older)
        for live in present.values():
            call = self._calls.get(live.call_id)
            if call is None:
                self._adopt(live)
            elif call.moves == before.get(live.call_id):  # else it moved meanwhile: the picture is older
                self._align(call, live)
        self._bus.publish(Reconciled(at=self._clock.now(), live=frozenset(self._calls)))

    def _adopt(self, live: LiveCall) -> None:
        """Take up a call that went on without us, from what is written on its channel."""
        call = self._open(live.call_id, live.number, live.caller, live.entered_at)
        in_line = live.phase in (LivePhase.WAITING, LivePhase.RINGING)
        waiting = self._place(call, live.waiting) if in_line else live.waiting
        call.adopted(FOUND_IN[live.phase], live.agent_id, waiting)
        if call.state is CallState.QUEUED and call.waiting is not None:
            call.tell_waiting(live.collected)
        elif call.state is CallState.CONNECTED and call.agent_id is not None:
            call.tell_connected(call.agent_id)

    def _align(self, call: Call, live: LiveCall) -> None:
        """Catch up with what was missed of a call that is known."""
        found = FOUND_IN[live.phase]
        if found is CallState.CONNECTED and live.agent_id is not None:
            self._post(call, AgentAnswered(call_id=call.call_id, agent_id=live.agent_id))
        elif found is CallState.RINGING and call.state is CallState.QUEUED:
            call.adopted(found, live.agent_id, live.waiting or call.waiting)
        elif found is CallState.QUEUED:
            if call.state is CallState.RINGING and call.agent_id is not None:
                failure = OfferFailure.SWITCH_FAILED
                self._post(call, AgentFailed(call_id=call.call_id, agent_id=call.agent_id, failure=failure))
            elif call.state in (CallState.ENTERED, CallState.IN_MENU):
                self._post(call, CallerFellBack(call_id=call.call_id, waiting=live.waiting))

    # Small things.

    def _age_s(self, call: Call) -> float:
        return (self._clock.now() - call.entered_at).total_seconds()

    def _open(self, call_id: CallId, number: str, phone: str, entered_at: datetime) -> Call:
        mailbox = Mailbox(self._tasks, call_id)
        call = self._calls[call_id] = Call(call_id, number, phone, entered_at, mailbox, self._bus, self._clock)
        if (arrival := self._arrivals.pop(call_id, None)) is not None:
            arrival.set()
        return call

    def _post(self, call: Call, event: SwitchEvent) -> None:
        call.mailbox.post(lambda: self._happened(call, event))

    async def _ask(self, call: Call, work: Work) -> None:
        try:
            await call.mailbox.ask(work)
        except MailboxClosed:
            raise UnknownCall(call.call_id) from None

    def _known(self, call_id: CallId) -> Call:
        try:
            return self._calls[call_id]
        except KeyError:
            raise UnknownCall(call_id) from None

    async def _arrival(self, call_id: CallId, timeout_s: float) -> Call:
        """The call, waiting for it if the media connection overtook the event that announces it."""
        if call_id not in self._calls:
            arrival = self._arrivals.setdefault(call_id, asyncio.Event())
            try:
                await asyncio.wait_for(arrival.wait(), timeout_s)
            except TimeoutError:
                self._arrivals.pop(call_id, None)
        return self._known(call_id)

    def _on_identified(self, event: CustomerIdentified) -> None:
        if (call := self._calls.get(event.call_id)) is not None:
            call.known_as(event)
