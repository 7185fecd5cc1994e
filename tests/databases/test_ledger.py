"""The ledger on both databases, SQLite and PostgreSQL: the same tests for the same promises."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from ivr.language import templates
from ivr.language.expressions import Expression
from switchroom.domain import events as ev
from switchroom.domain.contact import CustomerTier, Outcome, Requirements
from switchroom.domain.customer import Order
from switchroom.domain.ids import AgentId, ContactId, CustomerId, Extension, OfferId, QueueName, TicketId
from switchroom.domain.money import Money
from switchroom.domain.ticket import IllegalTicketMove, TicketState
from switchroom.runtime.bus import Bus
from switchroom.storage.accounts import SESSION_LASTS, Accounts, Role, User
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers, OrderDip
from switchroom.storage.database import Database, upgrade
from switchroom.storage.event_log import EventLog, Position
from switchroom.storage.ledger import Ledger
from switchroom.storage.presence import load_presence
from switchroom.storage.recordings import Recordings
from switchroom.storage.seed import seed_demo
from switchroom.storage.tables import contacts, customer_phones, metadata, tickets
from switchroom.storage.tickets import Tickets
from switchroom.wire import type_name
from tests.fakes.clock import FakeClock
from tests.fixtures.postgres import Postgres
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
CALL, AGENT = ContactId("c1"), AgentId("1001")


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


async def test_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    await database.upgrade()  # again: nothing happens
    async with database.read() as connection:
        assert await connection.run_sync(difference) == []


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


async def test_given_many_who_open_a_ticket_for_one_call_then_one_ticket(database: Database) -> None:
    repository = Tickets(database)

    async def open_it() -> TicketId:
        ticket = await repository.open(contact_id=CALL, subject="退货", at=NOON, agent_id=AGENT, customer_id=None)
        return ticket.id

    ids = set(await asyncio.gather(*(open_it() for _ in range(8))))
    assert len(ids) == 1
    assert len(await repository.latest()) == 1


async def test_given_a_ticket_when_closed_then_it_stays_closed(database: Database) -> None:
    repository = Tickets(database)
    ticket = await repository.open(contact_id=CALL, subject="退货", at=NOON, agent_id=AGENT, customer_id=None)
    assert (ticket.state, ticket.created_at) == (TicketState.OPEN, NOON)
    await repository.move(ticket.id, TicketState.PENDING, NOON, note="等物流")
    later = NOON + timedelta(minutes=5)
    closed = await repository.move(ticket.id, TicketState.CLOSED, later, disposition="refund")
    assert (closed.state, closed.disposition, closed.note, closed.closed_at) == (
        TicketState.CLOSED,
        "refund",
        "等物流",
        later,
    )
    with pytest.raises(IllegalTicketMove):
        await repository.move(ticket.id, TicketState.OPEN, later)
    assert await repository.get(ticket.id) == closed
    with pytest.raises(LookupError):
        await repository.move(TicketId("999"), TicketState.CLOSED, later)


async def test_given_an_open_ticket_when_a_further_contact_joins_it_then_both_are_its_contacts(
    database: Database,
) -> None:
    repository, again, other = Tickets(database), ContactId("c2"), ContactId("c3")
    ticket = await repository.open(contact_id=CALL, subject="退货", at=NOON, agent_id=AGENT, customer_id=None)
    assert await repository.join(again, ticket.id) == ticket
    assert await repository.join(again, ticket.id) == ticket
    assert list(await repository.contacts_of(ticket.id)) == [CALL, again]
    assert await repository.of_contact(again) == ticket
    # A contact that belongs to a ticket opens none of its own.
    assert await repository.open(contact_id=again, subject="", at=NOON, agent_id=AGENT, customer_id=None) == ticket
    assert len(await repository.latest()) == 1

    await repository.move(ticket.id, TicketState.CLOSED, NOON, disposition="refund")
    with pytest.raises(IllegalTicketMove):
        await repository.join(other, ticket.id)
    with pytest.raises(LookupError):
        await repository.join(other, TicketId("T-999"))
    assert await repository.of_contact(other) is None


@pytest.mark.parametrize("amount", ["0.10", "2399.00", "12345678901234567.89", "-0.005"])
async def test_given_an_amount_of_money_when_stored_then_it_is_exactly_that(database: Database, amount: str) -> None:
    customers = Customers(database)
    customer_id = await customers.add(name="a", phones=[])
    total = Money(Decimal(amount), "EUR")
    order = Order(number="1", status="", status_zh="", carrier=None, eta=None, total=total, items=(), placed_at=NOON)
    await customers.put_order(customer_id, order)
    [stored] = await customers.orders(customer_id)
    assert (stored.total, str(stored.total.amount)) == (total, amount)


async def test_given_the_demo_data_when_seeded_twice_then_it_is_there_once(database: Database) -> None:
    await seed_demo(database, NOON)
    await seed_demo(database, NOON + timedelta(days=1))
    customers = Customers(database)
    wang = await customers.by_phone("13800138000")
    assert wang is not None
    assert (wang.name, wang.tier, wang.language) == ("王芳", CustomerTier.GOLD, "zh-CN")
    assert "+8613800138000" in wang.phones
    assert [order.number for order in await customers.orders(wang.id)] == ["20260105", "20251218", "20251102"]
    assert len(await Contacts(database).latest(customer_id=wang.id)) == 3
    pending = await Tickets(database).latest(customer_id=wang.id, states=[TicketState.PENDING])
    assert [ticket.subject for ticket in pending] == ["配送时间改到晚上"]
    emma = await customers.by_phone("0014155552671")
    assert emma is not None and emma.language == "en-US"
    assert await customers.by_phone("") is None


async def test_order_dip_tells_what_a_caller_may_hear(database: Database) -> None:
    await seed_demo(database, NOON)
    order = await OrderDip(database).get("20260105")
    assert order is not None
    assert set(order) == OrderDip.FIELDS, "what lint tells menus that they may count on"
    assert Expression("order.total > 1000.0 || caller.tier in ['gold', 'platinum']").holds({"order": order})
    assert templates.parse("{order.total|money}").render({"order": order}, "zh-CN") == "2399元"
    assert (order["status_zh"], order["carrier"]) == ("运输中", "顺丰速运")
    assert await OrderDip(database).get("0' OR '1'='1") is None


async def test_a_number_belongs_to_one_customer(database: Database) -> None:
    customers = Customers(database)
    await customers.add(name="a", phones=["13800138000"])
    with pytest.raises(IntegrityError):
        await customers.add(name="b", phones=["+86 138 0013 8000"])
    assert await customers.get(CustomerId("2")) is None  # the half-made customer was rolled back


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(customer_phones).values(phone="1", customer_id=12345))


async def test_a_time_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without a zone"):
        async with database.write() as connection:
            values = {"contact_id": "x", "subject": "", "state": "open", "note": "", "created_at": datetime(2026, 1, 1)}
            await connection.execute(insert(tickets).values(**values))


async def test_users_log_in_with_their_password_only(database: Database) -> None:
    accounts = Accounts(database)
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "correct horse")
    user = User(login="zhang", role=Role.AGENT, agent_id=AGENT)
    assert await accounts.check_password("zhang", "correct horse") == user
    assert await accounts.check_password("zhang", "wrong") is None
    assert await accounts.check_password("nobody", "correct horse") is None
    await accounts.ensure_user("zhang", Role.SUPERVISOR, None, "new one")
    assert await accounts.check_password("zhang", "correct horse") is None
    assert await accounts.users() == [User(login="zhang", role=Role.SUPERVISOR)]


async def test_sessions_end_by_time_by_logout_and_with_their_user(database: Database) -> None:
    accounts = Accounts(database)
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "pw")
    token = await accounts.start_session("zhang", NOON)
    assert await accounts.session_user(token, NOON + SESSION_LASTS) is not None
    assert await accounts.session_user(token, NOON + SESSION_LASTS + timedelta(seconds=1)) is None
    await accounts.end_session(token)
    assert await accounts.session_user(token, NOON) is None
    other = await accounts.start_session("zhang", NOON)
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "pw")
    assert await accounts.session_user(other, NOON) is not None, "the same password"
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "a new one")
    assert await accounts.session_user(other, NOON) is None
    other = await accounts.start_session("zhang", NOON)
    await accounts.remove_user("zhang")
    assert await accounts.session_user(other, NOON) is None


async def test_tokens_are_for_programs_and_kept_only_as_hashes(database: Database) -> None:
    accounts = Accounts(database)
    token = await accounts.create_token(Role.SUPERVISOR, "wallboard")
    assert await accounts.token_user(token) == User(login="token:wallboard", role=Role.SUPERVISOR)
    assert await accounts.token_user(token + "x") is None
    await accounts.create_token(Role.ADMIN, "crm")
    assert [(one.login, one.role) for one in await accounts.tokens()] == [
        ("token:crm", Role.ADMIN),
        ("token:wallboard", Role.SUPERVISOR),
    ]
    assert await accounts.revoke_tokens("wallboard") == 1
    assert await accounts.token_user(token) is None
    assert await accounts.revoke_tokens("wallboard") == 0


async def test_given_a_locked_sqlite_when_released_then_every_event_arrives_in_order(tmp_path: Path, bus: Bus) -> None:
    path = tmp_path / "switchroom.db"
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(url)
    database = Database(url)
    ledger = Ledger(database, bus, FakeClock())
    await ledger.start()
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    for number in range(50):
        bus.publish(ev.NodeVisited(at=NOON, contact_id=CALL, node=f"n{number}"))
    await asyncio.sleep(0)
    assert ledger.backlog == 50
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
