"""The live calls: one mailbox task each, so that what happens to a call happens in order and without locks.

The softswitch's events and the wishes of menus and ACD come in; domain events go out on the bus. After every
(re)connection `reconcile` compares what is known with what the softswitch holds: calls that went on meanwhile are
adopted with what is written on their channels, calls that are gone are ended.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from switchroom.bus import Bus
from switchroom.clock import Clock
from switchroom.domain.call import CallState, Move, Outcome, after
from switchroom.domain.caller import Caller
from switchroom.domain.contact import Requirements, Tier, Waiting
from switchroom.domain.errors import Refused, UnknownCall
from switchroom.domain.events import (
    AgentRang,
    CallAdopted,
    CallConnected,
    CallEnded,
    CallEntered,
    CallQueued,
    CustomerIdentified,
    FlowStarted,
    InputKind,
    InputTaken,
    NodeVisited,
    OfferFailed,
    OfferFailure,
    PhoneChanged,
    Reconciled,
    SwitchLost,
)
from switchroom.domain.ids import AgentId, CallId
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
    LivePhase.LEAVING: CallState.ENDED,
}


@dataclass(slots=True)
class Call:
    """A live call as the server knows it."""

    call_id: CallId
    number: str
    phone: str
    entered_at: datetime
    state: CallState = CallState.ENTERED
    waiting: Waiting | None = None
    collected: Mapping[str, str] = field(default_factory=dict)
    agent_id: AgentId | None = None
    customer: CustomerIdentified | None = None
    resolved: bool = False
    """The menu has given the caller what they asked for."""
    claimed: bool = False
    """A media connection holds the caller."""
    identified: asyncio.Event = field(default_factory=asyncio.Event)

    def view(self) -> CallView:
        needs = self.waiting.requirements if self.waiting else None
        customer_tier = self.customer.tier if self.customer else Tier.STANDARD
        return CallView(
            call_id=self.call_id,
            number=self.number,
            caller=self.phone,
            state=self.state,
            entered_at=self.entered_at,
            tier=needs.tier if needs else customer_tier,
            queue=needs.queue if needs else None,
            agent_id=self.agent_id,
        )

    @property
    def outcome(self) -> Outcome:
        """How the call ends if it ends now."""
        if self.state is CallState.CONNECTED:
            return Outcome.CONNECTED
        in_menu = self.state in (CallState.ENTERED, CallState.IN_MENU)
        return Outcome.SELF_SERVICE if in_menu and self.resolved else Outcome.ABANDONED


class Calls:
    """All live calls of this server (ivr.session.CallControl, cti_bridge.api.ports.CallDesk)."""

    def __init__(self, switch: Softswitch, bus: Bus, clock: Clock) -> None:
        self._switch = switch
        self._bus = bus
        self._clock = clock
        self._calls: dict[CallId, Call] = {}
        self._mailboxes: dict[CallId, Mailbox] = {}
        self._arrivals: dict[CallId, asyncio.Event] = {}
        self._tasks = TaskGroup()
        self._reconciling: asyncio.Task[None] | None = None
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
        return [call.view() for call in sorted(self._calls.values(), key=lambda call: call.entered_at)]

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
        found = call.customer
        return Caller(
            call_id=call_id,
            number=call.number,
            phone=call.phone,
            tier=found.tier if found else Tier.STANDARD,
            customer_id=found.customer_id if found else None,
            name=found.name if found else None,
            language=found.language if found else None,
        )

    def release(self, call_id: CallId) -> None:
        """The media connection is over; the dialplan may bring the caller back over a new one."""
        if call_id in self._calls:
            self._calls[call_id].claimed = False

    def flow_started(self, call_id: CallId, flow: str, version: str) -> None:
        if (call := self._calls.get(call_id)) is not None:
            call.state = after(call.state, Move.MENU_STARTED)
            self._bus.publish(FlowStarted(at=self._clock.now(), call_id=call_id, flow=flow, version=version))

    def node_visited(self, call_id: CallId, node: str) -> None:
        if call_id in self._calls:
            self._bus.publish(NodeVisited(at=self._clock.now(), call_id=call_id, node=node))

    def input_taken(
        self, call_id: CallId, node: str, kind: InputKind, value: str, confidence: float | None = None
    ) -> None:
        if call_id in self._calls:
            self._bus.publish(
                InputTaken(
                    at=self._clock.now(), call_id=call_id, node=node, kind=kind, value=value, confidence=confidence
                )
            )

    def resolved(self, call_id: CallId) -> None:
        """The caller has heard what they asked for: a hang-up in the menu is self-service from here on."""
        if call_id in self._calls:
            self._calls[call_id].resolved = True

    async def queue(self, call_id: CallId, requirements: Requirements, collected: Mapping[str, str]) -> None:
        """Put the caller in line. Returns when the place is written on the channel."""
        call = self._known(call_id)

        async def work() -> None:
            waiting = call.waiting or Waiting(requirements, self._clock.now())
            await self._switch.wait(call_id, waiting, collected)
            call.waiting, call.collected = waiting, collected
            self._queued(call)

        await self._ask(call, work)

    async def finish(self, call_id: CallId) -> None:
        """The menu is done with the caller: the dialplan hangs up when the media connection closes."""
        call = self._known(call_id)
        call.resolved = True
        await self._ask(call, lambda: self._switch.finish(call_id))

    # Wishes of ACD and desks.

    async def connect(self, call_id: CallId, agent_id: AgentId, ring_timeout_s: int) -> None:
        """Ring the agent; OfferFailed follows when that cannot be."""
        call = self._known(call_id)

        async def work() -> None:
            if call.state is not CallState.QUEUED:
                return
            call.state, call.agent_id = after(call.state, Move.OFFERED), agent_id
            try:
                await self._switch.connect(call_id, agent_id, ring_timeout_s)
            except CallGone:
                log.info("calls.gone_before_ringing", call_id=call_id)
            except SwitchError as error:
                log.warning("calls.connect_failed", call_id=call_id, agent_id=agent_id, error=str(error))
                self._offer_failed(call, agent_id, OfferFailure.SWITCH_FAILED)

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
                self._bus.publish(PhoneChanged(at=self._clock.now(), agent_id=agent_id, registered=registered))
            case CallerArrived(call_id=call_id, number=number, caller=phone):
                if call_id not in self._calls:
                    self._open(Call(call_id, number, phone, self._clock.now()))
                    self._bus.publish(CallEntered(at=self._clock.now(), call_id=call_id, number=number, caller=phone))
            case _:
                call = self._calls.get(event.call_id)  # type: ignore[attr-defined]  # all other events have one
                if call is not None:
                    self._post(call, event)

    async def _happened(self, call: Call, event: SwitchEvent) -> None:
        now = self._clock.now()
        match event:
            case CallerFellBack(waiting=waiting):
                call.waiting = waiting
                self._queued(call)
            case AgentRinging(agent_id=agent_id):
                self._bus.publish(AgentRang(at=now, call_id=call.call_id, agent_id=agent_id))
            case AgentAnswered(agent_id=agent_id):
                if call.state is not CallState.CONNECTED:
                    call.state, call.agent_id = after(call.state, Move.ANSWERED), agent_id
                    self._bus.publish(CallConnected(at=now, call_id=call.call_id, agent_id=agent_id))
            case AgentFailed(agent_id=agent_id, failure=failure):
                self._offer_failed(call, agent_id, failure)
            case CallerLeft() | AgentLeft():
                self._end(call)

    def _queued(self, call: Call) -> None:
        assert call.waiting is not None
        if call.state is CallState.QUEUED:
            return
        call.state = after(call.state, Move.QUEUED)
        self._bus.publish(
            CallQueued(
                at=self._clock.now(),
                call_id=call.call_id,
                requirements=call.waiting.requirements,
                enqueued_at=call.waiting.enqueued_at,
                collected=call.collected,
            )
        )

    def _offer_failed(self, call: Call, agent_id: AgentId, failure: OfferFailure) -> None:
        if call.state is not CallState.RINGING:
            return
        call.state, call.agent_id = after(call.state, Move.OFFER_FAILED), None
        self._bus.publish(OfferFailed(at=self._clock.now(), call_id=call.call_id, agent_id=agent_id, failure=failure))

    def _end(self, call: Call) -> None:
        if self._calls.pop(call.call_id, None) is None:
            return
        self._mailboxes.pop(call.call_id).close()
        if call.state is CallState.RINGING and call.agent_id is not None:
            self._offer_failed(call, call.agent_id, OfferFailure.CALLER_LEFT)
        outcome, agent_id = call.outcome, call.agent_id if call.state is CallState.CONNECTED else None
        call.state = after(call.state, Move.ENDED)
        now = self._clock.now()
        self._bus.publish(CallEnded(at=now, call_id=call.call_id, outcome=outcome, agent_id=agent_id))

    # Reconciliation.

    def _begin_reconcile(self) -> None:
        if self._reconciling is None or self._reconciling.done():
            self._reconciling = self._tasks.spawn(self.reconcile(), name="calls.reconcile_once")

    async def _reconcile_regularly(self) -> None:
        while True:
            await asyncio.sleep(RECONCILE_EVERY_S)
            if self._switch.connected:
                self._begin_reconcile()

    async def reconcile(self) -> None:
        """Make what is known equal to what the softswitch holds; retried by the next login or minute if it fails."""
        before = set(self._calls)
        try:
            found = await self._switch.snapshot()
        except SwitchError as error:
            log.warning("calls.reconcile_failed", error=str(error))
            return
        for phone in found.phones:
            self._on_switch(phone)
        present = {live.call_id for live in found.calls if live.phase is not LivePhase.LEAVING}
        for call_id in before - present:
            if (call := self._calls.get(call_id)) is not None:
                log.warning("calls.vanished", call_id=call_id, state=call.state)
                self._end(call)
        for live in found.calls:
            if live.call_id in present and live.call_id not in self._calls:
                self._adopt(live)
            elif live.call_id in present:
                self._align(self._calls[live.call_id], live)
        self._bus.publish(Reconciled(at=self._clock.now(), live=frozenset(self._calls)))

    def _adopt(self, live: LiveCall) -> None:
        """Take up a call that went on without us, from what is written on its channel."""
        state = FOUND_IN[live.phase]
        call = Call(live.call_id, live.number, live.caller, live.entered_at, state=state)
        call.waiting, call.collected, call.agent_id = live.waiting, live.collected, live.agent_id
        if state is CallState.QUEUED:
            call.state = CallState.ENTERED
        self._open(call)
        self._publish_adopted(call, state)
        if state is CallState.QUEUED:
            self._queued(call)
        elif state is CallState.CONNECTED and call.agent_id is not None:
            now = self._clock.now()
            self._bus.publish(CallConnected(at=now, call_id=call.call_id, agent_id=call.agent_id))

    def _publish_adopted(self, call: Call, state: CallState) -> None:
        self._bus.publish(
            CallAdopted(
                at=self._clock.now(),
                call_id=call.call_id,
                number=call.number,
                caller=call.phone,
                entered_at=call.entered_at,
                state=state,
                agent_id=call.agent_id,
                waiting=call.waiting,
            )
        )

    def _align(self, call: Call, live: LiveCall) -> None:
        """Catch up with what was missed of a call that is known."""
        found = FOUND_IN[live.phase]
        if found is CallState.CONNECTED and live.agent_id is not None:
            self._post(call, AgentAnswered(call_id=call.call_id, agent_id=live.agent_id))
        elif found is CallState.RINGING and call.state is CallState.QUEUED:
            call.state, call.agent_id = after(call.state, Move.OFFERED), live.agent_id
            self._publish_adopted(call, call.state)
        elif found is CallState.QUEUED and live.waiting is not None:
            if call.state is CallState.RINGING and call.agent_id is not None:
                failed = AgentFailed(call_id=call.call_id, agent_id=call.agent_id, failure=OfferFailure.SWITCH_FAILED)
                self._post(call, failed)
            elif call.state in (CallState.ENTERED, CallState.IN_MENU):
                self._post(call, CallerFellBack(call_id=call.call_id, waiting=live.waiting))

    # Small things.

    def _open(self, call: Call) -> None:
        self._calls[call.call_id] = call
        self._mailboxes[call.call_id] = Mailbox(self._tasks, call.call_id)
        if (arrival := self._arrivals.pop(call.call_id, None)) is not None:
            arrival.set()

    def _post(self, call: Call, event: SwitchEvent) -> None:
        if (mailbox := self._mailboxes.get(call.call_id)) is not None:
            mailbox.post(lambda: self._happened(call, event))

    async def _ask(self, call: Call, work: Work) -> None:
        try:
            await self._mailboxes[call.call_id].ask(work)
        except (MailboxClosed, KeyError):
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
            call.customer = event
            call.identified.set()
