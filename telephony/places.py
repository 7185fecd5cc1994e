"""A caller's place in line: by whom they are, as soon as that is known, and always written on the channel, too."""

import asyncio
from dataclasses import replace

import structlog

from switchroom.domain.call import CallState
from switchroom.domain.caller import IDENTIFIED_WITHIN_S
from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.events import CustomerIdentified, PlaceChange
from switchroom.domain.ids import ContactId
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from telephony.call import Call
from telephony.registry import CallRegistry
from telephony.softswitch.port import Softswitch, SwitchError

log = structlog.get_logger(__name__)


class Places:
    """Follows who is calling, and what the ACD changes."""

    def __init__(self, calls: CallRegistry, switch: Softswitch, bus: Bus, clock: Clock) -> None:
        self._calls, self._switch, self._clock = calls, switch, clock
        bus.subscribe(CustomerIdentified, self._on_identified)

    async def identified(self, call: Call) -> None:
        """Wait until it is known who is calling, at most until `IDENTIFIED_WITHIN_S` after their arrival."""
        left_s = IDENTIFIED_WITHIN_S - (self._clock.now() - call.entered_at).total_seconds()
        if not call.identified.is_set() and left_s > 0:
            try:
                await asyncio.wait_for(call.identified.wait(), left_s)
            except TimeoutError:
                log.info("calls.caller_unidentified", contact_id=call.contact_id)

    async def fell_back(self, call: Call, written: Waiting | None) -> None:
        """The dialplan knows no tiers: who was recognised keeps their own, on the channel too."""
        if call.state not in (CallState.ENTERED, CallState.IN_MENU):
            return  # a place once had is kept
        waiting = self._calls.place(call, written)
        ranked = replace(waiting, requirements=call.ranked(waiting.requirements))
        if ranked != waiting:
            await self._write(call, ranked)
        call.queued(ranked, {})

    async def rank(self, call: Call) -> None:
        """A tier that was learned late: the caller gets its place, with the time waited so far."""
        if call.waiting is None or call.state not in (CallState.QUEUED, CallState.OFFERED):
            return
        call.waiting = replace(call.waiting, requirements=call.ranked(call.waiting.requirements))
        await self._write(call, call.waiting)
        call.tell_place(PlaceChange.TIER_LEARNED)

    def _on_identified(self, event: CustomerIdentified) -> None:
        call = self._calls.get(event.contact_id)
        if call is None:
            return
        call.known_as(event)
        if call.waiting is not None and call.ranked(call.waiting.requirements) != call.waiting.requirements:
            call.mailbox.post(lambda: self.rank(call))

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        """Write on the channel what is required of the agent from now on; of a call that is over, nothing."""
        call = self._calls.get(contact_id)
        if call is not None and call.waiting is not None:
            waiting = call.waiting = replace(call.waiting, requirements=requirements)
            call.mailbox.post(lambda: self._write(call, waiting))

    async def _write(self, call: Call, waiting: Waiting) -> None:
        try:
            await self._switch.wait(call.contact_id, waiting, None)
        except SwitchError as error:
            log.warning("calls.place_not_written", contact_id=call.contact_id, error=str(error))
