"""The reasons of decisions where several servers write one log, and in a large house."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from server.why import Why
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.events import (
    AgentState,
    AgentStateChanged,
    ContactEntered,
    ContactQueued,
    DeskChanged,
    Event,
    OfferFailed,
    OfferFailure,
    OfferMade,
)
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName
from switchroom.runtime.bus import Bus
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fixtures.acd_house import ANN, BOB, CONFIG
from tests.fixtures.sqlite import migrated
from tests.support.brands import SHOP

ONE = ContactId("one")


class Log:
    """What the servers ``main`` and ``other`` write, in the order in which it is written here."""

    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self._buses = {name: Bus() for name in ("main", "other")}
        self._ledgers = {name: Ledger(database, bus, self.clock, server=name) for name, bus in self._buses.items()}

    async def start(self) -> None:
        for ledger in self._ledgers.values():
            await ledger.start()

    async def stop(self) -> None:
        for ledger in self._ledgers.values():
            await ledger.stop()

    async def write(self, *events: Event, server: str = "main") -> None:
        self.clock.advance(1)
        for one in events:
            self._buses[server].publish(one)
        await self._ledgers[server].flush()

    async def agents(self, *agents: AgentId, state: AgentState = AgentState.AVAILABLE, server: str = "main") -> None:
        now = self.clock.now()
        for agent_id in agents:
            desk = DeskChanged(at=now, agent_id=agent_id, extension=Extension(agent_id), phone_registered=True)
            await self.write(desk, AgentStateChanged(at=now, agent_id=agent_id, state=state), server=server)

    async def queued(self, *contacts: str, tier: CustomerTier = CustomerTier.STANDARD, server: str = "main") -> None:
        now = self.clock.now()
        needs = Requirements(QueueName("returns"), {}, tier)
        for contact_id in map(ContactId, contacts):
            await self.write(
                ContactEntered(at=now, contact_id=contact_id, number="400", caller="", brand=SHOP.name),
                ContactQueued(at=now, contact_id=contact_id, requirements=needs, enqueued_at=now),
                server=server,
            )

    async def offered(self, contact_id: ContactId, agent_id: AgentId, head_start_s: float = 0.0) -> None:
        now = self.clock.now()
        made = OfferMade(
            at=now,
            contact_id=contact_id,
            offer_id=OfferId("o1"),
            agent_id=agent_id,
            extension=Extension(agent_id),
            queue=QueueName("returns"),
            ring_timeout_s=20,
            head_start_s=head_start_s,
        )
        reserved = AgentStateChanged(at=now, agent_id=agent_id, state=AgentState.RESERVED, contact_id=contact_id)
        await self.write(made, reserved)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await migrated(tmp_path / "switchroom.db")
    yield database
    await database.close()


@pytest.fixture
async def log(database: Database) -> AsyncIterator[Log]:
    log = Log(database)
    await log.start()
    yield log
    await log.stop()


@contextmanager
def queries() -> Iterator[list[str]]:
    asked: list[str] = []

    def listen(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def excluded(decision: Any) -> dict[str, str]:
    return {one["agent"]: one["why"] for one in decision["excluded"]}


async def test_given_agents_who_are_something_else_on_another_server_then_what_they_are_on_the_contacts_counts(
    database: Database, log: Log
) -> None:
    await log.agents(ANN)
    await log.agents(ANN, BOB, state=AgentState.LOGGED_OUT, server="other")
    await log.agents(BOB, server="other")
    await log.queued("one")
    await log.offered(ONE, ANN)
    [offer] = await Why(database, CONFIG).decisions(ONE)
    assert [candidate["agent"] for candidate in offer["candidates"]] == [ANN]
    assert excluded(offer) == {BOB: "state:logged_out"}


async def test_given_an_agent_who_did_not_answer_then_what_another_server_says_of_them_next_is_no_answer_to_that(
    database: Database, log: Log
) -> None:
    await log.agents(ANN)
    await log.queued("one")
    await log.offered(ONE, ANN)
    now = log.clock.now()
    no_answer = OfferFailure.NO_ANSWER
    await log.write(OfferFailed(at=now, contact_id=ONE, offer_id=OfferId("o1"), agent_id=ANN, failure=no_answer))
    await log.agents(ANN, server="other")
    await log.write(AgentStateChanged(at=now, agent_id=ANN, state=AgentState.PAUSED, reason="ring_no_answer"))
    _, wait = await Why(database, CONFIG).decisions(ONE)
    assert (wait["kind"], excluded(wait)) == ("wait", {ANN: "state:paused", BOB: "state:logged_out"})


async def test_given_a_line_on_another_server_then_nobody_there_was_passed(database: Database, log: Log) -> None:
    await log.queued("there", server="other")
    await log.queued("here")
    await log.agents(ANN)
    await log.queued("one", tier=CustomerTier.GOLD)
    await log.offered(ONE, ANN, head_start_s=60.0)
    [offer] = await Why(database, CONFIG).decisions(ONE)
    assert offer["overtaken"] == 1


async def test_given_many_agents_and_a_long_line_then_the_queries_are_few(database: Database, log: Log) -> None:
    many = {AgentId(str(number)): CONFIG.agents[BOB] for number in range(3001, 3031)}
    config = replace(CONFIG, agents={**CONFIG.agents, **many})
    await log.agents(*many, state=AgentState.PAUSED)
    await log.queued(*(f"waits-{number}" for number in range(10)))
    await log.queued("one", tier=CustomerTier.GOLD)
    await log.agents(ANN)
    await log.offered(ONE, ANN, head_start_s=60.0)
    with queries() as asked:
        wait, offer = await Why(database, config).decisions(ONE)
    assert excluded(wait) == {**dict.fromkeys(many, "state:paused"), **dict.fromkeys((ANN, BOB), "state:logged_out")}
    assert (offer["agent"], offer["overtaken"]) == (ANN, 10)
    assert len(asked) <= 8, asked
