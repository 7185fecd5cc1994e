"""The days' waits are counted once, whatever happens to servers and to the log, and outlive it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome, Requirements, VisitEnding
from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.runtime.bus import Bus
from switchroom.runtime.settings import Retention as Days
from switchroom.storage.database import Database
from switchroom.storage.erasure import NothingElsewhere
from switchroom.storage.ledger import Ledger
from switchroom.storage.rebuild import rebuild
from switchroom.storage.retention import Retention
from switchroom.storage.tables import visit_days
from switchroom.storage.visit_days import LONGER, VisitDays
from tests.fakes.clock import FakeClock
from tests.fixtures.kept_contacts import NOON, SHANGHAI, Keeper
from tests.support.brands import SHOP

TODAY = date(2026, 1, 8)
CALL, AGENT = ContactId("c"), AgentId("1001")


async def counts(database: Database) -> set[tuple[Any, ...]]:
    async with database.read() as connection:
        return {tuple(row) for row in await connection.execute(select(visit_days))}


def entered(**more: Any) -> ev.ContactEntered:
    fields = {"at": NOON, "contact_id": CALL, "number": "400", "caller": "1", "brand": SHOP.name}
    return ev.ContactEntered(**{**fields, **more})


def queued(queue: str, after_s: float) -> ev.ContactQueued:
    at = NOON + timedelta(seconds=after_s)
    return ev.ContactQueued(at=at, contact_id=CALL, requirements=Requirements(QueueName(queue)), enqueued_at=at)


def connected(after_s: float) -> ev.ContactConnected:
    return ev.ContactConnected(at=NOON + timedelta(seconds=after_s), contact_id=CALL, agent_id=AGENT)


def ended(after_s: float, outcome: Outcome = Outcome.CONNECTED) -> ev.ContactEnded:
    return ev.ContactEnded(at=NOON + timedelta(seconds=after_s), contact_id=CALL, outcome=outcome)


WAITS = [entered(), queued("returns", 10), queued("sales", 12.5), connected(700), queued("sales", 800), ended(804)]
COUNTED = {
    (TODAY, SHOP.name, "returns", VisitEnding.TRANSFERRED, 5, 1, 2500),
    (TODAY, SHOP.name, "sales", VisitEnding.ANSWERED, LONGER, 1, 687500),
    (TODAY, SHOP.name, "sales", VisitEnding.ANSWERED, 5, 1, 4000),
}


async def test_given_several_waits_when_each_ends_then_each_is_counted_once_however_they_were_batched(
    database: Database, keeper: Keeper
) -> None:
    await keeper.write(WAITS)
    assert await counts(database) == COUNTED
    for event in WAITS:  # told again, one by one: the same contact, nothing new
        await keeper.write([event])
    once_more = await counts(database)
    await rebuild(database, SHANGHAI)
    assert await counts(database) == once_more


async def test_given_waits_when_written_one_by_one_then_the_counts_are_those_of_one_batch(
    database: Database, keeper: Keeper
) -> None:
    for event in WAITS:
        await keeper.write([event])
    assert await counts(database) == COUNTED
    await rebuild(database, SHANGHAI)
    assert await counts(database) == COUNTED


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


async def test_given_a_commit_whose_answer_was_lost_then_it_is_counted_once(url: str, database: Database) -> None:
    bus, forgetful = Bus(), LosesAnswers(url)
    ledger = Ledger(forgetful, bus, FakeClock(NOON), zone=SHANGHAI)
    await ledger.start()
    forgetful.loses = True
    for event in WAITS:
        bus.publish(event)
    await ledger.stop()
    assert not forgetful.loses
    assert await counts(database) == COUNTED
    await forgetful.close()


async def test_given_a_contact_of_which_an_earlier_arrival_is_learned_then_its_waits_move_to_that_day(
    database: Database, keeper: Keeper
) -> None:
    yesterday = NOON - timedelta(hours=13)
    await keeper.write([queued("returns", 0), ended(3, Outcome.ABANDONED)])
    assert [(row[0], row[1]) for row in await counts(database)] == [(TODAY, "")]
    adopted = ev.ContactAdopted(
        at=NOON + timedelta(seconds=4),
        contact_id=CALL,
        number="400",
        caller="1",
        brand=SHOP.name,
        entered_at=yesterday,
        state=CallState.QUEUED,
    )
    await keeper.write([adopted])
    assert await counts(database) == {
        (TODAY - timedelta(days=1), SHOP.name, "returns", VisitEnding.ABANDONED, 5, 1, 3000)
    }


async def test_given_a_log_that_was_cut_when_rebuilt_then_earlier_days_stay_and_later_ones_are_exact(
    database: Database, keeper: Keeper
) -> None:
    for age in (30, 29, 12, 11, 10, 1):
        for number in range(age % 3 + 1):
            await keeper.contact(f"c{age}-{number}", NOON - timedelta(days=age, minutes=number), waited_s=number * 7)
    # Comes in before the midnight at which the log will be cut, and ends after it.
    midnight = NOON - timedelta(days=10, hours=12)
    await keeper.contact("over midnight", midnight - timedelta(seconds=40))
    before = await counts(database)
    assert sum(row[5] for row in before) == 13

    days = Days(menu_inputs_days=10, recordings_days=10, personal_data_days=10, events_days=10, contacts_days=20)
    await Retention(database, NothingElsewhere(), days, SHANGHAI).run(NOON)
    assert await counts(database) == before
    await rebuild(database, SHANGHAI)
    assert await counts(database) == before

    # What went wrong in a day that the log holds is put right, in an earlier one it is all that is known.
    async with database.write() as connection:
        await connection.execute(visit_days.update().values(visits=99))
    await rebuild(database, SHANGHAI)
    cut = (NOON - timedelta(days=10)).astimezone(SHANGHAI).date()
    after = await counts(database)
    assert {row for row in after if row[0] >= cut} == {row for row in before if row[0] >= cut}
    assert {row[5] for row in after if row[0] < cut} == {99}


async def test_given_counts_when_summed_then_by_what_was_asked(database: Database, keeper: Keeper) -> None:
    await keeper.contact("a", NOON, queue="returns", waited_s=3)
    await keeper.contact("b", NOON, queue="sales", waited_s=700)
    await keeper.contact("c", NOON + timedelta(days=1), queue="returns", waited_s=4)
    visits = VisitDays(database)
    by_queue = await visits.between(TODAY, TODAY + timedelta(days=1), ["queue"])
    assert [(row.queue, row.within_s, row.visits, row.waited_ms) for row in by_queue] == [
        ("returns", 5, 2, 7000),
        ("sales", LONGER, 1, 700_000),
    ]
    by_day = await visits.between(TODAY, TODAY, ["day", "brand"])
    assert {(row.day, row.brand, row.queue) for row in by_day} == {(TODAY, SHOP.name, None)}
