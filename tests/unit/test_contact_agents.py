"""Whose contact it is: of the agent to whom it is offered now, and of all who talked in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome, Requirements
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName
from switchroom.runtime.bus import Bus
from switchroom.storage.contacts import Contacts
from switchroom.storage.ledger import Ledger
from switchroom.storage.rebuild import rebuild
from tests.fakes.clock import FakeClock
from tests.fixtures.sqlite import migrated
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)
ANN, BOB, EVE = AgentId("1001"), AgentId("1002"), AgentId("1003")
CALL, LATER = ContactId("c1"), ContactId("c2")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def offered(agent_id: AgentId, seconds: float) -> ev.OfferMade:
    return ev.OfferMade(
        at=at(seconds),
        contact_id=CALL,
        offer_id=OfferId(agent_id),
        agent_id=agent_id,
        extension=Extension(agent_id),
        queue=QueueName("returns"),
        ring_timeout_s=20,
    )


def talks(agent_id: AgentId, seconds: float) -> Sequence[ev.Event]:
    """The agent takes it, and it goes on to another queue."""
    began, over, offer_id = at(seconds), at(seconds + 10), OfferId(agent_id)
    needs = Requirements(QueueName("complaints"))
    return (
        offered(agent_id, seconds),
        ev.ContactConnected(at=began, contact_id=CALL, agent_id=agent_id, offer_id=offer_id),
        ev.TalkEnded(at=over, contact_id=CALL, agent_id=agent_id, offer_id=offer_id, began_at=began),
        ev.ContactQueued(at=over, contact_id=CALL, requirements=needs, enqueued_at=over),
    )


async def test_given_a_contact_that_two_agents_served_then_both_have_it_and_who_missed_it_has_not(
    tmp_path: Path,
) -> None:
    database, bus = await migrated(tmp_path / "switchroom.db"), Bus()
    ledger, contacts = Ledger(database, bus, FakeClock(NOON)), Contacts(database)
    await ledger.start()

    async def of(*agents: AgentId) -> list[ContactId]:
        await ledger.flush()
        return [record.contact_id for record in await contacts.latest(agents=set(agents))]

    for number, contact_id in enumerate((CALL, LATER)):
        bus.publish(ev.ContactEntered(at=at(number), contact_id=contact_id, number="400", caller="", brand=SHOP.name))
    bus.publish(offered(EVE, 5))
    assert await of(EVE) == [CALL]
    bus.publish(
        ev.OfferFailed(
            at=at(9),
            contact_id=CALL,
            offer_id=OfferId(EVE),
            agent_id=EVE,
            failure=ev.OfferFailure.NO_ANSWER,
        )
    )
    for event in (*talks(ANN, 20), *talks(BOB, 40)):
        bus.publish(event)
    bus.publish(ev.ContactConnected(at=at(45), contact_id=LATER, agent_id=BOB))
    bus.publish(ev.ContactEnded(at=at(60), contact_id=CALL, outcome=Outcome.ABANDONED))
    found = {"ann": await of(ANN), "bob": await of(BOB), "eve": await of(EVE), "team": await of(ANN, BOB)}
    assert found == {"ann": [CALL], "bob": [LATER, CALL], "eve": [], "team": [LATER, CALL]}
    await rebuild(database)
    assert (await of(ANN), await of(BOB), await of(EVE)) == ([CALL], [LATER, CALL], [])
    await ledger.stop()
    await database.close()
