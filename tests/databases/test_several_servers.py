"""Several servers that write into one database: nothing of one is lost, doubled or ended by another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Select

from switchroom.domain import events as ev
from switchroom.domain.contact import VOICE, Outcome
from switchroom.domain.ids import AgentId, ContactId, TicketId
from switchroom.runtime.bus import Bus
from switchroom.storage import contacts, event_log
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import HUNG_S, Database
from switchroom.storage.event_log import EventLog, LoggedEvent, Position
from switchroom.storage.ledger import Ledger
from switchroom.storage.outbox import Outbox
from switchroom.storage.owing import OutboxState
from switchroom.storage.rebuild import rebuild
from tests.fakes.clock import FakeClock
from tests.fixtures.postgres import Postgres
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
MANY = 300


class Server:
    """One server's bus and ledger."""

    def __init__(self, database: Database, name: str) -> None:
        self.name, self.bus = name, Bus()
        self.ledger = Ledger(database, self.bus, FakeClock(NOON), server=name)

    def enters(self, contact_id: str) -> None:
        event = ev.ContactEntered(at=NOON, contact_id=ContactId(contact_id), number="400", caller="1", brand=SHOP.name)
        self.bus.publish(event)

    def visits(self, contact_id: str, node: str, at: datetime = NOON) -> None:
        self.bus.publish(ev.NodeVisited(at=at, contact_id=ContactId(contact_id), node=node))


@pytest.fixture
async def servers(url: str, database: Database) -> AsyncIterator[Sequence[Server]]:
    # A pool of its own for each, as two processes have.
    databases = [Database(url), Database(url)]
    found = [Server(one, name) for one, name in zip(databases, ("east", "west"), strict=True)]
    for server in found:
        await server.ledger.start()
    yield found
    for server in found:
        await server.ledger.stop()
    for one in databases:
        await one.close()


async def test_given_two_servers_that_write_at_once_then_each_event_is_kept_once_and_in_its_servers_order(
    database: Database, servers: Sequence[Server]
) -> None:
    for server in servers:
        server.enters(f"{server.name}-call")
    for number in range(MANY):
        for server in servers:
            server.visits(f"{server.name}-call", f"n{number}")
        await asyncio.sleep(0)
    await asyncio.gather(*(server.ledger.flush() for server in servers))

    log = await EventLog(database).after(Position(0), limit=10 * MANY)
    assert [entry.seq for entry in log] == list(range(1, 2 * MANY + 3)), "without gaps"
    for server in servers:
        nodes = [entry.data["node"] for entry in log if entry.server == server.name and "node" in entry.data]
        assert nodes == [f"n{number}" for number in range(MANY)]
        record = await Contacts(database).get(ContactId(f"{server.name}-call"))
        assert record is not None and list(record.path) == nodes


async def test_given_a_reader_who_goes_on_from_where_it_was_while_two_servers_write_then_it_misses_nothing(
    database: Database, servers: Sequence[Server]
) -> None:
    log, read = EventLog(database), list[LoggedEvent]()

    async def write(server: Server) -> None:
        for number in range(MANY):
            server.visits("c", f"{server.name}{number}")
            await asyncio.sleep(0)
        await server.ledger.flush()

    async def follow() -> None:
        while len(read) < 2 * MANY:
            read.extend(await log.after(Position(read[-1].seq if read else 0), limit=7))

    await asyncio.wait_for(asyncio.gather(follow(), *(write(server) for server in servers)), 60)
    assert [entry.seq for entry in read] == list(range(1, 2 * MANY + 1))


async def test_given_both_servers_write_of_one_contact_when_flushed_then_its_record_is_the_fold_of_all(
    database: Database, servers: Sequence[Server]
) -> None:
    servers[0].enters("shared")
    await servers[0].ledger.flush()
    for number in range(50):
        for server in servers:
            server.visits("shared", f"{server.name}{number}")
        await asyncio.sleep(0)
    await asyncio.gather(*(server.ledger.flush() for server in servers))
    record = await Contacts(database).get(ContactId("shared"))
    _, *log = await EventLog(database).of_contact(ContactId("shared"))
    assert record is not None and list(record.path) == [entry.data["node"] for entry in log]
    assert len(log) == 100


async def test_a_server_that_hangs_with_the_logs_lock_is_cut_off_by_postgresql(postgres: Postgres) -> None:
    database = Database(postgres.url)
    async with database.read() as connection:
        assert await connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == f"{HUNG_S}s"
    await database.close()


async def test_given_a_position_with_live_events_when_resumed_then_only_what_it_has_not_seen(
    database: Database, servers: Sequence[Server]
) -> None:
    east, west = servers
    east.visits("c", "seen live")
    position = east.ledger.position
    west.visits("c", "elsewhere")
    east.visits("c", "later")
    await asyncio.gather(*(server.ledger.flush() for server in servers))
    missed = await EventLog(database).after(position)
    assert sorted(entry.data["node"] for entry in missed) == ["elsewhere", "later"]


async def test_given_nobody_else_writes_when_committed_then_the_position_moves_on_with_the_log(
    database: Database, servers: Sequence[Server]
) -> None:
    east, west = servers
    east.visits("c", "one")
    await east.ledger.flush()
    assert east.ledger.position.seq == 1
    west.visits("c", "two")
    await west.ledger.flush()
    east.visits("c", "three")
    await east.ledger.flush()
    assert (east.ledger.position.seq, east.ledger.written) == (1, 3), "the other server's event was not seen here"


class LosesAnswers(Database):
    """Commits, and says that it did not, once when ``loses`` is set."""

    loses = False

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with super().write() as connection:
            yield connection
        if self.loses:
            self.loses = False
            raise ConnectionError("the answer to the commit was lost")


async def test_given_a_commit_whose_answer_was_lost_when_tried_again_then_nothing_is_doubled(
    url: str, database: Database
) -> None:
    forgetful = LosesAnswers(url)
    third = Server(forgetful, "third")
    await third.ledger.start()
    third.enters("c")
    await third.ledger.flush()
    forgetful.loses = True
    for number in range(3):
        third.visits("c", f"n{number}")
    await asyncio.wait_for(third.ledger.flush(), 10)
    third.visits("c", "after")
    await third.ledger.stop()
    assert not forgetful.loses
    record = await Contacts(database).get(ContactId("c"))
    assert record is not None and list(record.path) == ["n0", "n1", "n2", "after"]
    assert [entry.seq for entry in await EventLog(database).of_contact(ContactId("c"))] == [1, 2, 3, 4, 5]
    await forgetful.close()


async def test_given_events_of_several_months_then_postgresql_keeps_each_month_apart(
    database: Database, servers: Sequence[Server]
) -> None:
    east, _ = servers
    months = [datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), NOON, datetime(2026, 3, 1, tzinfo=UTC)]
    for at in months:
        east.visits("c", "n", at)
    await east.ledger.flush()
    assert [entry.at for entry in await EventLog(database).of_contact(ContactId("c"))] == months
    if database.dialect == "postgresql":
        async with database.read() as connection:
            counts = [
                await connection.scalar(text(f"SELECT count(*) FROM events_{month}"))
                for month in ("2025_12", "2026_01", "2026_02", "2026_03")
            ]
        assert counts == [1, 1, 0, 1]


QUESTIONS: dict[str, Select[tuple[object, ...]]] = {
    "what an agent missed": event_log.after(Position(5, "ab", 3), agents={AgentId("1001")}, limit=100),
    "what a board missed": event_log.after(Position(5, "ab", 3), limit=100),
    "a contact's story": event_log.of_contact(ContactId("c")),
    "a server's open contacts": contacts.open_of("east", VOICE),
    "an agent's contacts": contacts.latest(agents={AgentId("1001")}),
    "the newest contacts": contacts.latest(),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_given_a_question_when_explained_then_an_index_answers_it(
    database: Database, servers: Sequence[Server], question: str
) -> None:
    servers[0].enters("c")
    await servers[0].ledger.flush()
    query = QUESTIONS[question]
    async with database.read() as connection:
        sql = str(query.compile(connection.sync_connection, compile_kwargs={"literal_binds": True}))
        if database.dialect == "sqlite":
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")
            plan = "\n".join(row.detail for row in rows)
            assert "INDEX" in plan and "USE TEMP B-TREE" not in plan, plan
        else:
            # Over a handful of rows the planner would rather read them all: what it can do is what is asked.
            await connection.exec_driver_sql("SET enable_seqscan = off")
            rows = await connection.exec_driver_sql(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in rows)
            assert "Index" in plan and "Seq Scan" not in plan, plan


async def test_given_owed_tickets_when_two_servers_take_at_once_then_each_is_taken_by_one(
    url: str, database: Database, servers: Sequence[Server]
) -> None:
    east, west = servers
    calls = [f"c{number}" for number in range(30)]
    for contact_id in calls:
        east.bus.publish(ev.ContactConnected(at=NOON, contact_id=ContactId(contact_id), agent_id=AgentId("1001")))
    await east.ledger.flush()
    outboxes = [Outbox(database, east.ledger), Outbox(database, west.ledger)]
    taken = await asyncio.gather(*(outbox.take(NOON, timedelta(minutes=1)) for outbox in outboxes))
    assert sorted(one.contact_id for some in taken for one in some) == sorted(calls)
    assert await outboxes[0].take(NOON, timedelta(minutes=1)) == []

    # A server that is not heard of again loses them to the other; one that starts again has its own at once.
    east.bus.publish(ev.ContactConnected(at=NOON, contact_id=ContactId("last"), agent_id=AgentId("1002")))
    await east.ledger.flush()
    assert [one.contact_id for one in await outboxes[0].take(NOON, timedelta(minutes=1))] == ["last"]
    await outboxes[1].release(NOON)
    assert "last" not in [one.contact_id for one in await outboxes[1].take(NOON, timedelta(minutes=1))]
    await outboxes[0].release(NOON)
    again = await outboxes[1].take(NOON, timedelta(minutes=1))
    assert [(one.agent_id, one.tries) for one in again if one.contact_id == "last"] == [("1002", 2)]


async def test_given_an_owed_ticket_when_its_opening_is_committed_then_nothing_is_owed(
    database: Database, servers: Sequence[Server]
) -> None:
    east, _ = servers
    outbox, call, agent = Outbox(database, east.ledger), ContactId("c"), AgentId("1001")
    east.bus.publish(ev.ContactConnected(at=NOON, contact_id=call, agent_id=agent))
    await east.ledger.flush()
    assert (await outbox.counts())[OutboxState.OWED] == 1
    east.bus.publish(ev.TicketOpened(at=NOON, contact_id=call, ticket_id=TicketId("T-1"), agent_id=agent))
    east.bus.publish(ev.ContactEnded(at=NOON, contact_id=call, outcome=Outcome.CONNECTED, agent_id=agent))
    await east.ledger.flush()
    assert await outbox.counts() == {OutboxState.OWED: 0, OutboxState.FAILED: 0}
    assert await outbox.take(NOON + timedelta(days=1), timedelta(minutes=1)) == []
    await outbox.forget_done(NOON + timedelta(days=9))
    await rebuild(database)
    assert (await outbox.counts())[OutboxState.OWED] == 0, "what is made anew owes nothing anew"
