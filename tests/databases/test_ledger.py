"""The ledger on both databases, SQLite and PostgreSQL: the same tests for the same promises."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from switchroom.domain import events as ev
from switchroom.domain.contact import CustomerTier, Outcome, Requirements
from switchroom.domain.ids import AgentId, ContactId, CustomerId, Extension, OfferId, QueueName, TicketId
from switchroom.runtime.bus import Bus
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database, upgrade
from switchroom.storage.event_log import EventLog, Position
from switchroom.storage.ledger import Ledger
from switchroom.storage.presence import load_presence
from switchroom.storage.recordings import Recordings
from switchroom.storage.tables import contacts
from switchroom.wire import type_name
from tests.fakes.clock import FakeClock
from tests.fixtures.postgres import Postgres
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
CALL, AGENT = ContactId("c1"), AgentId("1001")
ENTERED = ev.ContactEntered(at=NOON, contact_id=CALL, number="4008123123", caller="13800138000", brand=SHOP.name)


@pytest.fixture
async def bus() -> Bus:
    return Bus()


@pytest.fixture
async def ledger(database: Database, bus: Bus) -> AsyncIterator[Ledger]:
    ledger = Ledger(database, bus, FakeClock())
    await ledger.start()
    yield ledger
    await ledger.stop()


def story() -> list[ev.Event]:
    """One call that was answered, second by second."""
    at = iter(NOON + timedelta(seconds=second) for second in range(100))
    needs = Requirements(queue=QueueName("returns"), skills={"returns": 3}, tier=CustomerTier.GOLD)
    return [
        ev.ContactEntered(at=next(at), contact_id=CALL, number="4008123123", caller="13800138000", brand=SHOP.name),
        ev.CustomerIdentified(
            at=next(at), contact_id=CALL, customer_id=CustomerId("7"), tier=CustomerTier.GOLD, language="zh-CN"
        ),
        ev.FlowStarted(at=next(at), contact_id=CALL, flow="shop-400", version="abc"),
        ev.NodeVisited(at=next(at), contact_id=CALL, node="welcome"),
        ev.NodeVisited(at=next(at), contact_id=CALL, node="returns"),
        ev.InputTaken(at=next(at), contact_id=CALL, node="returns", kind=ev.InputKind.SPEECH, value="退货"),
        ev.ContactQueued(
            at=next(at),
            contact_id=CALL,
            requirements=needs,
            enqueued_at=NOON,
            collected={"order": "1", "language": "en-US"},
        ),
        ev.OfferMade(
            at=next(at),
            contact_id=CALL,
            offer_id=OfferId("o1"),
            agent_id=AGENT,
            extension=Extension("1001"),
            queue=QueueName("returns"),
            ring_timeout_s=20,
        ),
        ev.ScreenPopSent(at=next(at), contact_id=CALL, offer_id=OfferId("o1"), agent_id=AGENT, screens=1),
        ev.AgentRang(at=next(at), contact_id=CALL, offer_id=OfferId("o1"), agent_id=AGENT),
        ev.ContactConnected(at=next(at), contact_id=CALL, agent_id=AGENT),
        ev.TicketOpened(at=next(at), contact_id=CALL, ticket_id=TicketId("5"), agent_id=AGENT),
        ev.ContactEnded(at=next(at), contact_id=CALL, outcome=Outcome.CONNECTED, agent_id=AGENT),
        ev.RecordingReady(
            at=next(at),
            contact_id=CALL,
            agent_id=AGENT,
            path="2026/01/08/c1.wav",
            seconds=3.5,
            left_rms=0.1,
            right_rms=0.2,
        ),
        ev.TicketClosed(at=next(at), contact_id=CALL, ticket_id=TicketId("5"), disposition="refund"),
    ]


async def test_given_a_whole_call_when_flushed_then_log_contact_decision_and_recording_tell_it(
    database: Database, bus: Bus, ledger: Ledger
) -> None:
    for event in story():
        bus.publish(event)
    await ledger.flush()

    record = await Contacts(database).get(CALL)
    assert record is not None
    assert (record.caller, record.customer_id, record.tier, record.language) == (
        "13800138000",
        "7",
        CustomerTier.GOLD,
        "en-US",
    )
    assert record.path == ("welcome", "returns")
    assert [(i.kind, i.value) for i in record.inputs] == [(ev.InputKind.SPEECH, "退货")]
    assert (record.queue, record.skills, record.collected) == ("returns", {"returns": 3}, {"order": "1"})
    assert (record.agent_id, record.outcome, record.ticket_id, record.disposition) == (
        AGENT,
        Outcome.CONNECTED,
        "5",
        "refund",
    )
    assert record.enqueued_at == NOON
    assert record.offered_at and record.popped_at and record.ringing_at and record.answered_at
    assert record.offered_at < record.popped_at < record.ringing_at < record.answered_at

    log = await EventLog(database).of_contact(CALL)
    assert [entry.type for entry in log] == [type_name(event) for event in story()]
    assert [entry.seq for entry in log] == sorted({entry.seq for entry in log})
    assert log[0].data["caller"] == "13800138000"
    (recording,) = await Recordings(database).of_contact(CALL)
    assert (recording.path, recording.seconds) == ("2026/01/08/c1.wav", 3.5)
    assert await Recordings(database).get(recording.id) == recording
    assert await Contacts(database).recordings_of([CALL]) == {CALL: recording.id}


async def test_given_a_second_server_life_then_numbers_go_on_rising(
    database: Database, bus: Bus, ledger: Ledger
) -> None:
    bus.publish(story()[0])
    await ledger.flush()
    before = ledger.written
    await ledger.stop()

    next_life = Ledger(database, bus, FakeClock(NOON - timedelta(days=1)))  # even with a clock that was set back
    await next_life.start()
    bus.publish(story()[3])
    await next_life.flush()
    after = await EventLog(database).after(Position(before))
    assert [entry.type for entry in after] == ["switchroom.node.visited"]
    await next_life.stop()


async def test_given_presence_changes_when_read_at_boot_then_the_last_state_of_each_agent(
    database: Database, bus: Bus, ledger: Ledger
) -> None:
    for second, state in enumerate((ev.AgentState.AVAILABLE, ev.AgentState.PAUSED)):
        at = NOON + timedelta(seconds=second)
        bus.publish(ev.AgentStateChanged(at=at, agent_id=AGENT, state=state, reason="lunch"))
    await ledger.flush()
    (presence,) = await load_presence(database, "main")
    assert (presence.agent_id, presence.state, presence.reason) == (AGENT, ev.AgentState.PAUSED, "lunch")
    assert presence.at == NOON + timedelta(seconds=1)


async def test_given_an_event_that_no_database_takes_then_its_neighbours_are_kept(
    database: Database, bus: Bus, ledger: Ledger
) -> None:
    bus.publish(story()[0])
    bus.publish(ev.MenuInput(at=NOON, contact_id=CALL, number=1, kind="key", received={"key": object()}))  # no JSON
    bus.publish(story()[3])
    await asyncio.wait_for(ledger.flush(), 10)
    assert [entry.type for entry in await EventLog(database).of_contact(CALL)] == [
        "switchroom.contact.entered",
        "switchroom.node.visited",
    ]


async def test_given_the_log_of_several_agents_when_one_resumes_then_only_its_own_events(
    database: Database, bus: Bus, ledger: Ledger
) -> None:
    for agent in ("1001", "1002", "1001"):
        bus.publish(ev.DesktopOpened(at=NOON, agent_id=AgentId(agent)))
    await ledger.flush()
    mine = await EventLog(database).after(Position(0), agents={AGENT})
    assert [entry.agent_id for entry in mine] == [AGENT, AGENT]
    assert await EventLog(database).after(Position(mine[-1].seq)) == []


async def test_given_a_locked_sqlite_when_released_then_every_event_arrives_in_order(tmp_path: Path, bus: Bus) -> None:
    path = tmp_path / "switchroom.db"
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(url)
    database = Database(url)
    ledger = Ledger(database, bus, FakeClock())
    await ledger.start()
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    bus.publish(ENTERED)
    for number in range(50):
        bus.publish(ev.NodeVisited(at=NOON, contact_id=CALL, node=f"n{number}"))
    await asyncio.sleep(0)
    assert ledger.backlog == 51
    locker.execute("ROLLBACK")
    locker.close()
    await asyncio.wait_for(ledger.flush(), 20)
    assert ledger.backlog == 0
    record = await Contacts(database).get(CALL)
    assert record is not None and record.path == tuple(f"n{number}" for number in range(50))
    await ledger.stop()
    await database.close()


async def test_given_postgresql_stopped_in_the_middle_when_it_is_back_then_nothing_is_lost(
    postgres: Postgres, bus: Bus
) -> None:
    database = Database(postgres.url)
    await database.upgrade()
    async with database.write() as connection:
        await connection.execute(contacts.delete())
    ledger = Ledger(database, bus, FakeClock())
    await ledger.start()
    bus.publish(ENTERED)
    bus.publish(ev.NodeVisited(at=NOON, contact_id=CALL, node="before"))
    await ledger.flush()
    await asyncio.to_thread(postgres.stop)
    with pytest.raises(Exception):  # noqa: B017 (whatever the driver says; it must not hang)
        await database.check()
    for number in range(10):
        bus.publish(ev.NodeVisited(at=NOON, contact_id=CALL, node=f"during{number}"))
    await asyncio.to_thread(postgres.start)
    await asyncio.wait_for(ledger.flush(), 30)
    record = await Contacts(database).get(CALL)
    assert record is not None and record.path == ("before", *(f"during{number}" for number in range(10)))
    await ledger.stop()
    await database.close()
