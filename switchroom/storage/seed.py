"""Customers of a small shop, with orders, former calls and tickets: so that a demonstration has something to show."""

import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome, Requirements
from switchroom.domain.customer import Order, OrderItem
from switchroom.domain.ids import AgentId, BrandName, ContactId, CustomerId, QueueName, TicketId
from switchroom.domain.money import Money
from switchroom.domain.ticket import TicketState
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.event_log import Recorded, Writer
from switchroom.storage.partitions import Partitions
from switchroom.storage.projection import store
from switchroom.storage.seed_customers import CUSTOMERS, DemoCall, DemoCustomer, DemoOrder
from switchroom.storage.tickets import Tickets

SHOP = BrandName("shop")
SHOP_NUMBER = "4008123123"


async def seed_demo(database: Database, now: datetime) -> None:
    """Store the demonstration's customers; those whose number is known already are left as they are."""
    customers = Customers(database)
    for spec in CUSTOMERS:
        if await customers.by_phone(spec.phones[0]) is not None:
            continue
        customer_id = await customers.add(
            name=spec.name,
            phones=spec.phones,
            tier=spec.tier,
            language=spec.language,
            email=spec.email,
            note=spec.note,
            preferences=spec.preferences,
        )
        for order in spec.orders:
            await customers.put_order(customer_id, _order(order, now))
        for number, call in enumerate(spec.calls, start=1):
            await _store_call(database, customer_id, spec, call, ContactId(f"demo-{customer_id}-{number}"), now)


def _order(spec: DemoOrder, now: datetime) -> Order:
    return Order(
        number=spec.number,
        status=spec.status,
        status_zh=spec.status_zh,
        carrier=spec.carrier,
        eta=None if spec.due_in_days is None else (now + timedelta(days=spec.due_in_days)).date().isoformat(),
        total=Money(Decimal(spec.total), "CNY"),
        items=tuple(OrderItem(name=name, quantity=quantity) for name, quantity in spec.items.items()),
        placed_at=now - timedelta(days=spec.days_ago),
    )


async def _store_call(
    database: Database,
    customer_id: CustomerId,
    customer: DemoCustomer,
    call: DemoCall,
    contact_id: ContactId,
    now: datetime,
) -> None:
    entered = now - timedelta(days=call.days_ago, hours=2)
    answered, ended = entered + timedelta(seconds=64), entered + timedelta(minutes=5, seconds=12)
    tickets = Tickets(database)
    agent_id = AgentId(call.agent)
    ticket = await tickets.open(
        contact_id=contact_id,
        subject=call.subject,
        at=answered,
        agent_id=agent_id,
        customer_id=customer_id,
        note=call.note,
    )
    if call.disposition:
        await tickets.move(ticket.id, TicketState.CLOSED, ended, disposition=call.disposition)
    else:
        await tickets.move(ticket.id, TicketState.PENDING, ended)
    told = _story(customer, call, contact_id, customer_id, ticket.id, entered, answered, ended)
    recorded = [Recorded(number, event) for number, event in enumerate(told, start=1)]
    await Partitions(database).ensure(event.at for event in told)
    async with database.write() as connection:
        await store(connection, Writer(server="demo", boot=secrets.token_hex(4)), recorded)


def _story(
    customer: DemoCustomer,
    call: DemoCall,
    contact_id: ContactId,
    customer_id: CustomerId,
    ticket_id: TicketId,
    entered: datetime,
    answered: datetime,
    ended: datetime,
) -> list[ev.Event]:
    """The events of a former call."""
    agent_id, queue = AgentId(call.agent), QueueName(call.queue)
    caller = customer.phones[0].replace(" ", "")
    enqueued = entered + timedelta(seconds=31)
    needs = Requirements(queue=queue, tier=customer.tier)
    events: list[ev.Event] = [
        ev.ContactEntered(at=entered, contact_id=contact_id, number=SHOP_NUMBER, caller=caller, brand=SHOP),
        ev.CustomerIdentified(
            at=entered,
            contact_id=contact_id,
            customer_id=customer_id,
            tier=customer.tier,
            name=customer.name,
            language=customer.language,
        ),
        *(ev.NodeVisited(at=entered, contact_id=contact_id, node=node) for node in call.path),
        ev.ContactQueued(at=enqueued, contact_id=contact_id, requirements=needs, enqueued_at=enqueued),
        ev.ContactConnected(at=answered, contact_id=contact_id, agent_id=agent_id),
        ev.TicketOpened(at=answered, contact_id=contact_id, ticket_id=ticket_id, agent_id=agent_id),
        ev.ContactEnded(at=ended, contact_id=contact_id, outcome=Outcome.CONNECTED, agent_id=agent_id),
    ]
    if call.disposition:
        events.append(
            ev.TicketClosed(at=ended, contact_id=contact_id, ticket_id=ticket_id, disposition=call.disposition)
        )
    return events
