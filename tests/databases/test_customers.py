"""Customers, their numbers and orders, exact to the cent; the demo's data; what menus may look up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from ivr.language import templates
from ivr.language.expressions import Expression
from switchroom.domain.contact import CustomerTier
from switchroom.domain.customer import Order
from switchroom.domain.ids import CustomerId
from switchroom.domain.money import Money
from switchroom.domain.ticket import TicketState
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers, OrderDip
from switchroom.storage.database import Database
from switchroom.storage.seed import seed_demo
from switchroom.storage.tickets import Tickets

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)


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
