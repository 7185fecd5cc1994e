"""How many events a second the ledger writes down, and for how long it holds the event loop meanwhile."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome, Requirements
from switchroom.domain.ids import AgentId, BrandName, ContactId, CustomerId, Extension, OfferId, QueueName, TicketId
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import SystemClock
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger

AT_ONCE = 60
"""Calls of which the events come in turns, as in a full house: a batch is of many contacts."""
NOON = datetime(2026, 1, 8, 4, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Written:
    """Of one run. ``held_p99_ms`` is how late the event loop came to a timer, 99 times of 100 at most."""

    events: int
    events_per_s: float
    held_p99_ms: float


async def measure(url: str, calls: int) -> Written:
    """Write ``calls`` whole calls into the database behind ``url``, whose tables are made if they are missing."""
    database = Database(url)
    await database.upgrade()
    bus = Bus()
    ledger = Ledger(database, bus, SystemClock(), server="bench")
    await ledger.start()
    told = list(_events(calls, f"{time.time_ns():x}"))
    late: list[float] = []
    watching = asyncio.create_task(_watch(late))
    began = time.perf_counter()
    for event in told:
        bus.publish(event)
    await ledger.flush()
    took_s = time.perf_counter() - began
    watching.cancel()
    await ledger.stop()
    await database.close()
    return Written(len(told), len(told) / took_s, 1000 * sorted(late)[int(len(late) * 0.99)])


async def _watch(late: list[float]) -> None:
    while True:
        due = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - due)


def _events(calls: int, run: str) -> Iterator[ev.Event]:
    """The calls in groups of `AT_ONCE`, each group's events in turns."""
    for first in range(0, calls, AT_ONCE):
        lives = [_life(f"{run}-{number}", number) for number in range(first, min(first + AT_ONCE, calls))]
        for events in zip(*lives, strict=True):
            yield from events


def _life(contact_id: str, number: int) -> Iterator[ev.Event]:
    """One call of a known customer: menu, wait, talk, recording, ticket."""
    at = iter(NOON + timedelta(seconds=second) for second in range(1000))
    call, agent, offer = ContactId(contact_id), AgentId(f"{1001 + number % 50}"), OfferId(f"o-{contact_id}")
    who = f"138{number % 10**8:08}"
    yield ev.ContactEntered(at=next(at), contact_id=call, number="4008123123", caller=who, brand=BrandName("shop"))
    yield ev.CustomerIdentified(at=next(at), contact_id=call, customer_id=CustomerId(f"{number}"), name="王小明")
    yield ev.FlowStarted(at=next(at), contact_id=call, flow="shop-400", version="3f9a61c2")
    keys = 0
    for node, entered in (("main", "2"), ("order", "20260105"), ("confirm", "1")):
        yield ev.NodeVisited(at=next(at), contact_id=call, node=node)
        for key in entered[:2]:
            keys += 1
            yield ev.MenuInput(at=next(at), contact_id=call, number=keys, kind="digit", received={"digit": key})
        yield ev.InputTaken(at=next(at), contact_id=call, node=node, kind=ev.InputKind.DTMF, value=entered)
    since = next(at)
    needs = Requirements(QueueName("returns"), {"returns": 3})
    collected = {"order_number": "20260105"}
    yield ev.ContactQueued(at=since, contact_id=call, requirements=needs, enqueued_at=since, collected=collected)
    yield ev.AgentStateChanged(at=next(at), agent_id=agent, state=ev.AgentState.RESERVED, contact_id=call)
    yield ev.OfferMade(
        at=next(at),
        contact_id=call,
        offer_id=offer,
        agent_id=agent,
        extension=Extension(agent),
        queue=QueueName("returns"),
        ring_timeout_s=20,
    )
    yield ev.ScreenPopSent(at=next(at), contact_id=call, offer_id=offer, agent_id=agent, screens=1)
    yield ev.ScreenPopShown(at=next(at), contact_id=call, offer_id=offer, agent_id=agent)
    yield ev.AgentRang(at=next(at), contact_id=call, offer_id=offer, agent_id=agent)
    talked = next(at)
    yield ev.ContactConnected(at=talked, contact_id=call, agent_id=agent, offer_id=offer)
    yield ev.AgentStateChanged(at=next(at), agent_id=agent, state=ev.AgentState.BUSY, contact_id=call)
    yield ev.TicketOpened(at=next(at), contact_id=call, ticket_id=TicketId(f"{number}"), agent_id=agent)
    yield ev.TalkEnded(at=next(at), contact_id=call, agent_id=agent, offer_id=offer, began_at=talked)
    yield ev.ContactEnded(at=next(at), contact_id=call, outcome=Outcome.CONNECTED, agent_id=agent)
    yield ev.AgentStateChanged(at=next(at), agent_id=agent, state=ev.AgentState.WRAP_UP, contact_id=call)
    yield ev.RecordingReady(
        at=next(at),
        contact_id=call,
        agent_id=agent,
        path=f"2026/01/08/{call}-{agent}.wav",
        seconds=60.0,
        left_rms=0.1,
        right_rms=0.1,
    )
    yield ev.TicketClosed(at=next(at), contact_id=call, ticket_id=TicketId(f"{number}"), disposition="refund")
    yield ev.AgentStateChanged(at=next(at), agent_id=agent, state=ev.AgentState.AVAILABLE)
