"""The bridge on a real ledger: identified on entry, popped before the ring, one ticket for each connected call."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from cti_bridge.bridge import CtiBridge
from cti_bridge.connectors.port import Connectors
from cti_bridge.pop.service import POP_DEADLINE_S
from cti_bridge.tickets.service import LEASE, DispositionMissing
from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome, Requirements
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName, TicketId
from switchroom.domain.ticket import IllegalTicketMove, TicketState
from switchroom.runtime.bus import Bus
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.event_log import EventLog
from switchroom.storage.ledger import Ledger
from switchroom.storage.outbox import Outbox, refused
from switchroom.storage.owing import OutboxState
from switchroom.storage.seed import seed_demo
from tests.fakes.clock import FakeClock
from tests.fakes.connectors import BrokenCrm, FlakyTicketing, SlowCrm
from tests.fakes.screens import FakeScreens
from tests.fixtures.sqlite import filled
from tests.support.brands import BRANDS, SHOP
from tests.support.waiting import eventually

CALL, AGENT = ContactId("c1"), AgentId("1001")
E = TypeVar("E", bound=ev.Event)


class House:
    """The bridge with everything around it that it needs, on one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bus, self.clock, self.screens = Bus(), FakeClock(), FakeScreens()
        self.crm: Customers | SlowCrm = Customers(database)
        self.ticketing = FlakyTicketing(database)
        self.seen: list[ev.Event] = []

    async def open(self) -> None:
        self.ledger = Ledger(self.database, self.bus, self.clock)
        await self.ledger.start()
        self.bus.subscribe(ev.Event, self.seen.append)
        connectors = Connectors(crm=self.crm, ticketing=self.ticketing)
        self.bridge = CtiBridge(
            *(self.bus, self.clock, connectors, Contacts(self.database), self.screens),
            *(BRANDS, Outbox(self.database, self.ledger)),
        )
        await self.bridge.start()

    async def close(self) -> None:
        await self.bridge.stop()
        await self.ledger.stop()

    def all_seen(self, kind: type[E]) -> list[E]:
        return [event for event in self.seen if isinstance(event, kind)]

    async def wait_for(self, kind: type[E], number: int = 1) -> E:
        await eventually(lambda: len(self.all_seen(kind)) >= number)
        return self.all_seen(kind)[number - 1]

    def enter(self, caller: str = "13800138000") -> None:
        self.bus.publish(
            ev.ContactEntered(at=self.clock.now(), contact_id=CALL, number="4008123123", caller=caller, brand=SHOP.name)
        )

    def queue(self) -> None:
        needs = Requirements(queue=QueueName("returns"), tier=CustomerTier.GOLD)
        now = self.clock.now()
        self.bus.publish(
            ev.ContactQueued(
                at=now, contact_id=CALL, requirements=needs, enqueued_at=now, collected={"order": "20260105"}
            )
        )

    def offer(self) -> ev.OfferMade:
        offer = ev.OfferMade(
            at=self.clock.now(),
            contact_id=CALL,
            offer_id=OfferId("o1"),
            agent_id=AGENT,
            extension=Extension("1001"),
            queue=QueueName("returns"),
            ring_timeout_s=20,
        )
        self.bus.publish(offer)
        return offer

    def connect(self) -> None:
        self.bus.publish(ev.ContactConnected(at=self.clock.now(), contact_id=CALL, agent_id=AGENT))

    def end(self) -> None:
        self.bus.publish(
            ev.ContactEnded(at=self.clock.now(), contact_id=CALL, outcome=Outcome.CONNECTED, agent_id=AGENT)
        )

    def agent(self, state: ev.AgentState) -> None:
        self.bus.publish(ev.AgentStateChanged(at=self.clock.now(), agent_id=AGENT, state=state))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    seed = lambda database: seed_demo(database, FakeClock().now())  # noqa: E731
    database = await filled(tmp_path / "switchroom.db", "demo", seed)
    house = House(database)
    yield house
    await database.close()


@pytest.fixture
async def open_house(house: House) -> AsyncIterator[House]:
    await house.open()
    yield house
    await house.close()


async def test_given_a_known_number_when_the_call_enters_then_the_customer_is_named(open_house: House) -> None:
    open_house.enter()
    identified = await open_house.wait_for(ev.CustomerIdentified)
    assert (identified.contact_id, identified.tier, identified.language) == (CALL, CustomerTier.GOLD, "zh-CN")
    assert identified.customer_id is not None


@pytest.mark.parametrize("caller", ["", "13300000000", "anonymous"])
async def test_given_a_stranger_when_the_call_enters_then_nobody_is_named(open_house: House, caller: str) -> None:
    open_house.enter(caller)
    identified = await open_house.wait_for(ev.CustomerIdentified)
    assert (identified.customer_id, identified.tier) == (None, CustomerTier.STANDARD)


async def test_given_an_offer_then_the_whole_record_is_on_the_screen(open_house: House) -> None:
    house = open_house
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    house.bus.publish(ev.NodeVisited(at=house.clock.now(), contact_id=CALL, node="returns"))
    house.queue()
    house.clock.advance(12)
    await house.bridge.pops.pop(house.offer())

    (pop,) = house.screens.pops
    assert pop.customer is not None and pop.customer.name == "王芳"
    assert (pop.path, pop.collected, pop.waited_s) == (("returns",), {"order": "20260105"}, 12.0)
    assert [order.number for order in pop.orders] == ["20260105", "20251218", "20251102"]
    assert [ticket.subject for ticket in pop.tickets] == ["配送时间改到晚上"]
    assert len(pop.contacts) == 3
    popped = await house.wait_for(ev.ScreenPopSent)
    assert (popped.agent_id, popped.offer_id, popped.screens) == (AGENT, "o1", 1)
    house.bridge.pops.shown(AGENT, OfferId("o1"))
    house.bridge.pops.shown(AGENT, OfferId("o1"))
    house.bridge.pops.shown(AGENT, OfferId("forged"))
    assert len(house.all_seen(ev.ScreenPopShown)) == 1


async def test_given_a_desktop_that_draws_then_the_pop_is_over_when_it_says_so(open_house: House) -> None:
    house = open_house
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    pop = asyncio.create_task(house.bridge.pops.pop(house.offer()))
    await house.wait_for(ev.ScreenPopSent)
    assert not pop.done()
    house.bridge.pops.shown(AGENT, OfferId("forged"))
    _, waits = await asyncio.wait([pop], timeout=0.02)
    assert waits == {pop}
    house.bridge.pops.shown(AGENT, OfferId("o1"))
    await asyncio.wait_for(pop, 1)
    assert len(house.all_seen(ev.ScreenPopShown)) == 1


async def test_given_a_desktop_that_never_draws_then_the_phone_rings_all_the_same(open_house: House) -> None:
    open_house.enter()
    await asyncio.wait_for(open_house.bridge.pops.pop(open_house.offer()), POP_DEADLINE_S + 5)
    assert len(open_house.all_seen(ev.ScreenPopSent)) == 1


async def test_given_no_desktop_open_then_nothing_claims_to_have_popped(open_house: House) -> None:
    open_house.screens.count = 0
    open_house.enter()
    await open_house.bridge.pops.pop(open_house.offer())
    assert open_house.screens.pops and not open_house.all_seen(ev.ScreenPopSent)


async def test_given_a_slow_crm_then_the_pop_goes_out_with_the_number_and_again_with_the_record(house: House) -> None:
    house.crm = SlowCrm(Customers(house.database))
    await house.open()
    house.enter()
    await house.bridge.pops.pop(house.offer())
    assert [(pop.customer, pop.phone) for pop in house.screens.pops] == [(None, "138****8000")]
    house.crm.answers.set()
    await eventually(lambda: len(house.screens.pops) == 2)
    assert house.screens.pops[1].customer is not None
    assert house.crm.asked == 1  # nobody asked twice meanwhile
    await house.close()


async def test_given_a_broken_crm_then_the_call_goes_on_as_a_strangers(house: House) -> None:
    house.crm = BrokenCrm(Customers(house.database))
    await house.open()
    house.enter()
    assert (await house.wait_for(ev.CustomerIdentified)).customer_id is None
    await house.bridge.pops.pop(house.offer())
    await eventually(lambda: bool(house.all_seen(ev.ScreenPopSent)))
    assert house.screens.pops[0].customer is None
    await house.close()


async def test_given_a_desktop_that_does_not_read_then_the_phone_rings_in_time(open_house: House) -> None:
    open_house.screens.delay_s = 60
    open_house.enter()
    started = asyncio.get_running_loop().time()
    await open_house.bridge.pops.pop(open_house.offer())
    assert asyncio.get_running_loop().time() - started < POP_DEADLINE_S + 1.0
    assert not open_house.all_seen(ev.ScreenPopSent)


async def test_given_a_machine_too_busy_for_the_pop_then_it_comes_on_the_screen_after_the_ring(
    open_house: House,
) -> None:
    open_house.screens.delay_s = POP_DEADLINE_S + 0.2
    open_house.enter()
    await open_house.bridge.pops.pop(open_house.offer())
    assert open_house.screens.pops == []
    await eventually(lambda: bool(open_house.screens.pops))
    await eventually(lambda: bool(open_house.all_seen(ev.ScreenPopSent)))


@pytest.mark.parametrize("after_commit", [False, True])
async def test_given_a_ticketing_system_that_fails_then_there_is_one_ticket_in_the_end(
    open_house: House, after_commit: bool
) -> None:
    house = open_house
    house.ticketing.failures, house.ticketing.after_commit = 2, after_commit
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    house.queue()
    house.connect()
    house.connect()
    opened = await house.wait_for(ev.TicketOpened)
    assert (opened.contact_id, opened.agent_id) == (CALL, AGENT)
    house.connect()
    mine = await house.ticketing.latest(agents={AGENT}, states=[TicketState.OPEN])
    assert [(ticket.id, ticket.subject) for ticket in mine] == [(opened.ticket_id, "returns · 20260105")]
    assert len(house.all_seen(ev.TicketOpened)) == 1


async def test_given_a_crash_between_answer_and_ticket_then_the_next_life_opens_it(house: House) -> None:
    house.ticketing.failures = 1000
    await house.open()
    house.enter()
    house.connect()
    house.end()
    await house.ledger.flush()
    await house.close()
    house.seen.clear()

    house.ticketing.failures = 0
    await house.open()
    opened = await house.wait_for(ev.TicketOpened)
    await house.ledger.flush()
    record = await Contacts(house.database).get(CALL)
    assert record is not None and record.ticket_id == opened.ticket_id
    await house.close()
    house.seen.clear()

    await house.open()  # a third life owes nothing
    await house.ledger.flush()
    assert not house.all_seen(ev.TicketOpened)
    await house.close()


async def test_given_a_ticketing_system_that_refuses_then_it_is_asked_once_and_the_contacts_story_says_why(
    open_house: House,
) -> None:
    house = open_house
    house.ticketing.refuses = "the account is closed"
    house.enter()
    house.connect()
    failed = await house.wait_for(ev.TicketFailed)
    assert (failed.contact_id, failed.agent_id, failed.reason) == (CALL, AGENT, "the account is closed")
    await house.ledger.flush()
    told = await EventLog(house.database).of_call(CALL)
    assert "switchroom.ticket.failed" in [entry.type for entry in told]
    assert await refused(house.database) == 1
    assert not house.all_seen(ev.TicketOpened)

    house.connect()  # the next word about the contact owes nothing anew
    await house.ledger.flush()
    outbox = Outbox(house.database, house.ledger)
    assert await outbox.take(house.clock.now() + timedelta(days=1), LEASE) == []
    assert await outbox.counts() == {OutboxState.OWED: 0, OutboxState.FAILED: 1}


async def test_given_a_call_adopted_in_the_middle_of_its_talk_then_it_is_owed_a_ticket_too(open_house: House) -> None:
    house = open_house
    now = house.clock.now()
    house.bus.publish(
        ev.ContactAdopted(
            at=now,
            contact_id=CALL,
            number="4008123123",
            caller="",
            brand=SHOP.name,
            entered_at=now,
            state=CallState.CONNECTED,
            agent_id=AGENT,
        )
    )
    assert (await house.wait_for(ev.TicketOpened)).contact_id == CALL


async def test_given_a_call_adopted_after_a_restart_then_the_desktop_gets_its_story_back(house: House) -> None:
    await house.open()
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    house.bus.publish(ev.NodeVisited(at=house.clock.now(), contact_id=CALL, node="returns"))
    house.queue()
    house.offer()
    house.connect()
    await house.wait_for(ev.TicketOpened)
    await house.ledger.flush()
    await house.close()
    house.seen.clear()

    house.clock.advance(60)
    await house.open()
    house.bus.publish(
        ev.ContactAdopted(
            at=house.clock.now(),
            contact_id=CALL,
            number="4008123123",
            caller="13800138000",
            brand=SHOP.name,
            entered_at=house.clock.now() - timedelta(seconds=70),
            state=CallState.CONNECTED,
            agent_id=AGENT,
        )
    )
    await house.wait_for(ev.CustomerIdentified)
    await house.ledger.flush()
    pop = await house.bridge.pops.current_pop(AGENT, CALL)
    assert pop is not None and pop.customer is not None
    assert (pop.path, pop.collected, pop.customer.name) == (("returns",), {"order": "20260105"}, "王芳")
    assert pop.answered_at is not None and pop.ticket_id is not None
    assert not house.all_seen(ev.TicketOpened)
    await house.close()


async def test_given_the_end_of_wrap_up_then_the_desktop_is_given_no_old_pop(open_house: House) -> None:
    house = open_house
    house.enter()
    await house.bridge.pops.pop(house.offer())
    house.connect()
    house.end()
    house.agent(ev.AgentState.WRAP_UP)
    in_wrap_up = await house.bridge.pops.current_pop(AGENT, CALL)
    assert in_wrap_up is not None and in_wrap_up.ended_at is not None
    house.agent(ev.AgentState.AVAILABLE)
    assert await house.bridge.pops.current_pop(AGENT, None) is None


async def test_given_an_open_ticket_when_closed_then_once_with_its_disposition(open_house: House) -> None:
    house = open_house
    house.enter()
    house.connect()
    opened = await house.wait_for(ev.TicketOpened)
    ticket = await house.ticketing.get(opened.ticket_id)
    assert ticket is not None
    with pytest.raises(DispositionMissing):
        await house.bridge.tickets.move(ticket, TicketState.CLOSED)
    closed = await house.bridge.tickets.move(ticket, TicketState.CLOSED, disposition="refund", note="已退款")
    assert (closed.state, closed.note) == (TicketState.CLOSED, "已退款")
    assert await house.bridge.tickets.move(closed, TicketState.CLOSED, disposition="refund") == closed
    with pytest.raises(IllegalTicketMove):
        await house.bridge.tickets.move(closed, TicketState.CLOSED, disposition="other")
    assert [event.ticket_id for event in house.all_seen(ev.TicketClosed)] == [TicketId(ticket.id)]
    await house.ledger.flush()
    record = await Contacts(house.database).get(CALL)
    assert record is not None and record.disposition == "refund"
