"""After every (re)connection, and each minute: what is known of the calls becomes what the softswitch holds.

Calls that went on meanwhile are adopted with what is written on their channels; calls that are over are booked as they
were, from the softswitch's journal; one that vanished without a line there ends now.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from switchroom.domain.call import TALKING, CallState
from switchroom.domain.contact import Outcome, Talk
from switchroom.domain.events import OfferFailure, Reconciled
from switchroom.domain.ids import ContactId, OfferId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from telephony.call import Call
from telephony.registry import CallRegistry
from telephony.softswitch.port import (
    AgentFailed,
    AgentLeft,
    CallerFellBack,
    LiveCall,
    LivePhase,
    PastCall,
    Snapshot,
    Softswitch,
    SwitchError,
    SwitchEvent,
)
from telephony.talking import answered, found_past, has_ended_talk, talk_ended, tell_connected
from telephony.talks_found import take_up, talk_caught_up

log = structlog.get_logger(__name__)

LEDGER_WITHIN_S = 2.0
"""Callers do not wait for a ledger that is away: what ended meanwhile is then booked by a later reconciliation."""
JOURNAL_SETTLES_S = 0.5
"""A line may come so much later than the end of its call."""

MAILBOXES_SETTLE_S = 1.0
"""So long the rest of the picture waits for calls in which a command is under way."""

FOUND_IN: Mapping[LivePhase, CallState] = {
    LivePhase.ARRIVING: CallState.ENTERED,
    LivePhase.IN_MENU: CallState.ENTERED,
    LivePhase.WAITING: CallState.QUEUED,
    LivePhase.RINGING: CallState.OFFERED,
    LivePhase.TALKING: CallState.CONNECTED,
    LivePhase.HELD: CallState.HELD,
    LivePhase.CONSULTING: CallState.CONSULTING,
    LivePhase.CONFERENCE: CallState.CONFERENCE,
}
"""A caller who is LEAVING is as good as gone."""


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger knows of a call: its outcome (None for one that is open there), and which talks are over."""

    outcome: Outcome | None = None
    talks_over: frozenset[OfferId] = frozenset()


class Bookings(Protocol):
    """The ledger, as far as calls of the past are concerned."""

    async def booked(self, contact_ids: Collection[ContactId]) -> Mapping[ContactId, Booked]:
        """Those of the calls that the ledger knows."""

    async def flush(self) -> None:
        """Returns when every event published until now is written down."""


class Reconciler:
    """``on_event`` takes what the softswitch would have said, had it been heard."""

    def __init__(
        self,
        calls: CallRegistry,
        switch: Softswitch,
        bookings: Bookings,
        bus: Bus,
        clock: Clock,
        tasks: BackgroundTasks,
        on_event: Callable[[SwitchEvent], None],
    ) -> None:
        self._calls, self._switch, self._bookings = calls, switch, bookings
        self._bus, self._clock, self._tasks, self._on_event = bus, clock, tasks, on_event
        self._gone: set[ContactId] = set()

    def gone(self, contact_id: ContactId) -> None:
        """The call ended: a snapshot that was asked for before may still show it."""
        self._gone.add(contact_id)

    async def run(self) -> None:
        """Reconcile once; what fails is tried again at the next login or minute."""
        before = {call.contact_id: call.moves for call in self._calls}
        self._gone.clear()
        try:
            found = await self._switch.snapshot()
        except SwitchError as error:
            log.warning("calls.reconcile_failed", error=str(error))
            return
        past = await self._past(before.keys() - {live.contact_id for live in found.calls}, found)
        for phone in found.phones:
            self._on_event(phone)
        booked = await self._book(past)
        self._end_vanished(before.keys(), found)
        aligned = []
        for live in self._present(found):
            call = self._calls.get(live.contact_id)
            if call is None:
                self._adopt(live)
            elif call.moves == before.get(live.contact_id):  # else it moved meanwhile: the picture is older
                self._align(call, live)
                aligned.append(call)
        await self._settled(aligned)
        talking = {agent_id: call.contact_id for call in self._calls for agent_id in call.talking}
        live_ids = frozenset(call.contact_id for call in self._calls)
        if not booked:  # nobody may take them for over before they are booked as they were
            live_ids |= {over.contact_id for over in past}
        self._bus.publish(Reconciled(at=self._clock.now(), live=live_ids, talking=talking))
        if booked:
            self._tasks.spawn(self._forget(past), name="calls.forget_past")

    def _present(self, found: Snapshot) -> list[LiveCall]:
        return [
            live
            for live in found.calls
            if live.phase in FOUND_IN
            and live.contact_id not in self._gone
            and not self._calls.has_ended(live.contact_id)
        ]

    # Calls that are over.

    async def _past(self, vanished: Collection[ContactId], found: Snapshot) -> Sequence[PastCall]:
        past = await self._switch.past_calls()
        missing = set(vanished) - self._gone - {call.contact_id for call in past}
        if any(not self._is_older(contact_id, found) for contact_id in missing):
            await asyncio.sleep(JOURNAL_SETTLES_S)
            past = await self._switch.past_calls()
        return past

    async def _book(self, past: Sequence[PastCall]) -> bool:
        """Whether all of ``past`` is booked now."""
        calls, ids = self._calls, [over.contact_id for over in past]
        unknown = [
            contact_id for contact_id in ids if calls.get(contact_id) is None and not calls.has_ended(contact_id)
        ]
        booked: Mapping[ContactId, Booked] | None = {}
        if unknown:
            try:
                async with asyncio.timeout(LEDGER_WITHIN_S):
                    booked = await self._bookings.booked(unknown)
            except Exception as error:  # what a database driver raises
                log.warning("calls.past_not_booked", calls=len(unknown), error=type(error).__name__)
                booked = None
        for over in past:
            call = self._calls.get(over.contact_id)
            if call is not None:
                self._finish(call, over)
            elif booked is not None and not self._calls.has_ended(over.contact_id):
                self._finish_unseen(over, booked.get(over.contact_id))
        return booked is not None

    def _finish(self, call: Call, over: PastCall) -> None:
        """A call whose end was not heard."""
        self._catch_up(call, over.talks)
        log.info("calls.end_missed", contact_id=call.contact_id, talked=bool(over.talks))
        self._calls.end(call, at=over.ended_at)

    def _catch_up(self, call: Call, talks: Sequence[Talk]) -> None:
        """Talks of a call that goes on here, of which the end, or all, was not heard."""
        for talk in talks:
            assert talk.offer_id is not None
            if has_ended_talk(call, talk.offer_id):
                continue
            if call.state in (CallState.QUEUED, CallState.OFFERED):
                answered(call, talk.agent_id, talk.offer_id, talk.began_at)
            talk_ended(call, talk)

    def _finish_unseen(self, over: PastCall, booked: Booked | None) -> None:
        """A call that ended, or came and ended, while no server was there; ``booked`` tells what was heard before."""
        heard_of = booked is not None
        if booked is not None and booked.outcome is not None:
            return
        call = self._calls.open(over.contact_id, over.number, over.caller, over.entered_at)
        log.info("calls.end_missed", contact_id=call.contact_id, talked=bool(over.talks), heard_of=heard_of)
        call.resolved = over.served
        if not heard_of:
            call.entered()
        for talk in over.talks:
            assert talk.offer_id is not None
            was_told = booked is not None and talk.offer_id in booked.talks_over
            last = talk is over.talks[-1]
            again, transferred = (over.waited_again, over.transferred) if last else (None, False)
            found_past(call, talk, waited_again=again, transferred=transferred, was_told=was_told)
        self._calls.end(call, at=over.ended_at, by_softswitch=not heard_of)

    def _end_vanished(self, before: Collection[ContactId], found: Snapshot) -> None:
        present = {live.contact_id for live in self._present(found)}
        for contact_id in set(before) - present - self._gone:
            if (call := self._calls.get(contact_id)) is not None:
                older = self._is_older(contact_id, found)
                log.warning("calls.vanished", contact_id=contact_id, state=call.state, softswitch_restarted=older)
                self._calls.end(call, by_softswitch=older)

    def _is_older(self, contact_id: ContactId, found: Snapshot) -> bool:
        """Whether the softswitch has started since the call came: it died with its calls, and wrote nothing down."""
        call = self._calls.get(contact_id)
        if call is None or found.uptime_s is None:
            return False
        return (self._clock.now() - call.entered_at).total_seconds() > found.uptime_s

    async def _forget(self, past: Sequence[PastCall]) -> None:
        await self._bookings.flush()
        await self._switch.forget_past_calls({over.contact_id for over in past})
        for over in past:
            self._calls.forget(over.contact_id)

    # Calls that go on.

    async def _settled(self, calls: Collection[Call]) -> None:
        """Return when what was missed of these calls has been taken up: nothing is offered on an older picture."""

        async def nothing() -> None: ...

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAILBOXES_SETTLE_S):
                await asyncio.gather(*(call.mailbox.ask(nothing) for call in calls), return_exceptions=True)

    def _adopt(self, live: LiveCall) -> None:
        """Take up a call that went on without us, from what is written on its channel."""
        call = self._calls.open(live.contact_id, live.number, live.caller, live.entered_at)
        in_line = live.phase in (LivePhase.WAITING, LivePhase.RINGING)
        waiting = self._calls.place(call, live.waiting) if in_line else live.waiting
        call.resolved = live.served
        for talk in live.talks:
            talk_ended(call, talk)
        call.adopted(FOUND_IN[live.phase], live.agent_id, live.offer_id, waiting, live.answered_at)
        if call.state is CallState.QUEUED and call.waiting is not None:
            call.tell_waiting(live.collected)
        elif call.state in TALKING and call.agent_id is not None:
            tell_connected(call, live.answered_at)
            take_up(call, live)

    def _align(self, call: Call, live: LiveCall) -> None:
        """Catch up with what was missed of a call that is known."""
        found = FOUND_IN[live.phase]
        if found in TALKING:
            for event in talk_caught_up(call, live):
                self._on_event(event)
        elif found is CallState.OFFERED and call.state is CallState.QUEUED:
            call.adopted(found, live.agent_id, live.offer_id, live.waiting or call.waiting)
        elif found is CallState.QUEUED:
            if call.state in TALKING and live.waiting is not None:
                self._back_in_line(call, live)
            elif call.state is CallState.OFFERED and call.agent_id is not None and call.offer_id is not None:
                self._on_event(
                    AgentFailed(
                        contact_id=call.contact_id,
                        offer_id=call.offer_id,
                        agent_id=call.agent_id,
                        failure=OfferFailure.SWITCH_FAILED,
                    )
                )
            elif call.state in (CallState.ENTERED, CallState.IN_MENU):
                self._on_event(CallerFellBack(contact_id=call.contact_id, waiting=live.waiting))

    def _back_in_line(self, call: Call, live: LiveCall) -> None:
        """The talk ended unheard, and the caller waits again."""
        for talk in live.talks:
            if talk.offer_id is not None and talk.offer_id == call.offer_id:
                transferred = live.waiting != call.waiting
                if transferred:
                    call.transfer_to = live.waiting
                left = AgentLeft(
                    contact_id=call.contact_id,
                    offer_id=talk.offer_id,
                    agent_id=talk.agent_id,
                    waits=True,
                    transferred=transferred,
                    at=talk.ended_at,
                )
                self._on_event(left)
