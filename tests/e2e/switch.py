"""The AMI adapter under observation: what it told, and how to wait for it."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from switchroom.domain.contact import CustomerTier, Requirements, Waiting
from switchroom.domain.ids import ContactId, QueueName
from telephony.softswitch.port import (
    CallerArrived,
    CallGone,
    LiveCall,
    LivePhase,
    PhoneState,
    Softswitch,
    SwitchEvent,
)
from tests.e2e.menu_server import MenuServer
from tests.support.waiting import eventually

WAITING = Waiting(
    Requirements(QueueName("退款"), {"refund": 3, "lang:en": 1}, CustomerTier.GOLD),
    datetime(2026, 11, 23, 9, 30, 0, 250000, UTC),
)
COLLECTED = {"order": "A-17", "想要": "退款"}


class Switch:
    """The adapter, with all that it told so far."""

    def __init__(self, softswitch: Softswitch) -> None:
        self.softswitch = softswitch
        self.events: list[SwitchEvent] = []
        self.watch: Callable[[SwitchEvent], None] = lambda event: None
        """Called with each event at the moment that it is told."""

    def take(self, event: SwitchEvent) -> None:
        """The handler to start the adapter with."""
        self.events.append(event)
        self.watch(event)

    async def told(self, event: SwitchEvent) -> None:
        await eventually(lambda: event in self.events, f"{event}, told: {self.events}")

    async def told_last(self, state: PhoneState) -> None:
        """Wait until this is the phone's state, asking where nothing is told of it."""

        def latest() -> PhoneState | None:
            of_phone = [e for e in self.events if isinstance(e, PhoneState) and e.extension == state.extension]
            return of_phone[-1] if of_phone else None

        for _ in range(100):
            if latest() == state or state in (await self.softswitch.snapshot()).phones:
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"the phone never was {state}: {latest()}")

    async def arrived(self) -> ContactId:
        def calls() -> list[ContactId]:
            return [event.contact_id for event in self.events if isinstance(event, CallerArrived)]

        await eventually(calls, "a caller arrived")
        return calls()[-1]

    async def hang_up_all(self) -> None:
        """Returns when they are gone: the next test hears of no call but its own."""
        while calls := (await self.softswitch.snapshot()).calls:
            for call in calls:
                with contextlib.suppress(CallGone):  # hung up by itself meanwhile
                    await self.softswitch.hang_up(call.contact_id)
            await asyncio.sleep(0.02)

    async def live(self, contact_id: ContactId) -> LiveCall | None:
        calls = (await self.softswitch.snapshot()).calls
        return next((call for call in calls if call.contact_id == contact_id), None)

    async def phase(self, contact_id: ContactId) -> LivePhase | None:
        call = await self.live(contact_id)
        return call.phase if call else None

    async def until_phase(self, contact_id: ContactId, phase: LivePhase | None) -> None:
        for _ in range(200):
            if await self.phase(contact_id) is phase:
                return
        pytest.fail(f"the call never was {phase}: {await self.live(contact_id)}")


async def queue_caller(switch: Switch, menu: MenuServer) -> ContactId:
    """Take the arriving caller through the menu into the waiting music."""
    contact_id = await switch.arrived()
    await eventually(lambda: contact_id in menu.callers, "the caller is in the menu")
    await switch.softswitch.wait(contact_id, WAITING, COLLECTED)
    await menu.let_go(contact_id)
    await switch.until_phase(contact_id, LivePhase.WAITING)
    return contact_id
