"""The reasons of a past decision, made from the event log."""

from pathlib import Path

from server.why import Why
from switchroom.domain.contact import CustomerTier
from switchroom.domain.events import ContactEntered
from switchroom.domain.ids import ContactId
from switchroom.storage.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fixtures.acd_house import ANN, BOB, CONFIG, House
from tests.fixtures.sqlite import migrated
from tests.support.brands import SHOP


async def test_given_decisions_in_the_log_then_each_is_told_with_the_agents_and_the_line_of_its_moment(
    tmp_path: Path,
) -> None:
    database = await migrated(tmp_path / "switchroom.db")
    house = House(clock=FakeClock())
    ledger = Ledger(database, house.bus, house.clock)
    await ledger.start()

    async def arrives(contact_id: str, tier: CustomerTier = CustomerTier.STANDARD) -> None:
        now = house.clock.now()
        house.bus.publish(
            ContactEntered(at=now, contact_id=ContactId(contact_id), number="400", caller="", brand=SHOP.name)
        )
        await house.queue(contact_id, tier)
        await house.passes(5)

    await house.open(ANN, BOB)
    await house.acd.set_state(BOB, "paused", "lunch")
    await arrives("first")
    await house.connected("first", ANN)
    await arrives("ordinary")
    await arrives("gold", CustomerTier.GOLD)
    await house.ended("first")
    await house.passes(30)
    await ledger.flush()

    why = Why(database, CONFIG)
    [first] = await why.decisions(ContactId("first"))
    assert [(c["agent"], c["fitness"]) for c in first["candidates"]] == [(ANN, 14)]
    assert first["candidates"][0]["idle_s"] == 2.0
    assert (first["agent"], first["excluded"]) == (ANN, [{"agent": BOB, "why": "state:paused"}])
    waited, assigned = await why.decisions(ContactId("gold"))
    assert (waited["kind"], {e["agent"]: e["why"] for e in waited["excluded"]}) == (
        "wait",
        {ANN: "state:busy", BOB: "state:paused"},
    )
    assert (assigned["agent"], assigned["overtaken"]) == (ANN, 1)
    await house.acd.stop()
    await ledger.stop()
    await database.close()
