"""Persons whom only their contacts know: another CRM's customer, and a caller who is nobody's customer."""

from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import pytest

from switchroom.domain import events as ev
from switchroom.domain.errors import Refused
from switchroom.domain.hold import Held, Hold, HoldSubject
from switchroom.domain.ids import AgentId, ContactId, CustomerId
from switchroom.domain.ticket import TicketState
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.erasure import Erasure, NothingElsewhere
from switchroom.storage.holds import Holds
from switchroom.storage.recordings import Recordings
from switchroom.storage.tickets import Tickets
from tests.fakes.clock import FakeClock
from tests.fixtures.kept_contacts import NOON, Keeper
from tests.fixtures.two_people import dump
from tests.support.brands import SHOP

NUMBER, OTHER_NUMBER = "13977712345", "13977799999"
OTHERS = CustomerId("SF-0031")
"""A customer of another CRM: our own table does not know the id."""


def erasure(database: Database) -> Erasure:
    return Erasure(database, FakeClock(NOON))


def hold(subject: HoldSubject, subject_id: str) -> Hold:
    return Hold(subject=subject, subject_id=subject_id, reason="case 7", placed_by="anna", placed_at=NOON)


async def test_given_another_crms_customer_when_erased_then_their_contacts_name_nobody(
    database: Database, keeper: Keeper
) -> None:
    await keeper.contact("known", NOON, caller=NUMBER, customer=OTHERS)
    await keeper.contact("before", NOON, caller=f"+86{NUMBER}")
    await keeper.contact("stays", NOON, caller=OTHER_NUMBER, customer=CustomerId("SF-0032"))
    erased = await erasure(database).erase(OTHERS)
    assert erased is not None and (set(erased.calls), erased.recordings) == ({"known", "before"}, 2)
    left = await dump(database)
    assert NUMBER not in left and OTHERS not in left
    assert await Recordings(database).of_contact(ContactId("known")) == []
    stays = await Contacts(database).get(ContactId("stays"))
    assert stays is not None and (stays.caller, stays.customer_id) == (OTHER_NUMBER, "SF-0032")
    assert len(await Recordings(database).of_contact(ContactId("stays"))) == 1
    assert await erasure(database).erase(OTHERS) is None


async def test_given_another_crms_customer_of_whom_a_ticket_is_left_when_erased_then_it_names_nobody(
    database: Database,
) -> None:
    desk = Tickets(database)
    values = {"subject": "s", "at": NOON, "agent_id": AgentId("1001"), "note": "rings again"}
    ticket = await desk.open(contact_id=ContactId("c"), customer_id=OTHERS, **values)  # type: ignore[arg-type]
    assert await erasure(database).erase(OTHERS) is not None
    left = await desk.get(ticket.id)
    assert left is not None and (left.customer_id, left.note) == (None, "")


async def test_given_a_stranger_when_their_number_is_erased_then_every_form_of_it_and_no_other_stranger_is_gone(
    database: Database, keeper: Keeper
) -> None:
    await keeper.contact("one", NOON, caller=NUMBER)
    await keeper.contact("two", NOON, caller=f"0086{NUMBER}")
    await keeper.contact("other", NOON, caller=OTHER_NUMBER)
    await keeper.contact("unshown", NOON, caller="")
    erased = await erasure(database).erase_number("139 7771 2345")
    assert erased is not None and (set(erased.calls), erased.tickets, erased.recordings) == ({"one", "two"}, 2, 2)
    assert NUMBER not in await dump(database)
    for contact_id, caller in (("other", OTHER_NUMBER), ("unshown", "")):
        stays = await Contacts(database).get(ContactId(contact_id))
        assert stays is not None and (stays.caller, len(stays.inputs)) == (caller, 1)
        [ticket] = [t for t in await Tickets(database).latest() if t.contact_id == contact_id]
        assert ticket.note == "rang again" and ticket.disposition == "refund"
        assert len(await Recordings(database).of_contact(ContactId(contact_id))) == 1
    assert await erasure(database).erase_number(NUMBER) is None
    for none in ("anonymous", "", "+"):
        assert await erasure(database).erase_number(none) is None


async def test_given_a_number_that_stands_in_a_note_alone_when_erased_then_it_is_gone_there(database: Database) -> None:
    other = await Customers(database).add(name="Zhu", phones=[OTHER_NUMBER], note=f"his wife is at {NUMBER}")
    assert await erasure(database).erase_number(NUMBER) is not None
    found = await Customers(database).get(other)
    assert found is not None and found.note == "his wife is at …"


async def test_given_a_customers_number_when_erased_as_a_strangers_then_it_is_refused_and_says_whose_it_is(
    database: Database, keeper: Keeper
) -> None:
    ours = await Customers(database).add(name="Wang", phones=[OTHER_NUMBER])
    await keeper.contact("known", NOON, caller=NUMBER, customer=OTHERS)
    before = await dump(database)
    for number, owner in ((OTHER_NUMBER, ours), (NUMBER, OTHERS)):
        with pytest.raises(Refused, match=f"customer {owner}"):
            await erasure(database).erase_number(number)
    assert await dump(database) == before


async def test_given_a_hold_or_a_live_contact_when_erased_then_it_is_refused_as_for_any_customer(
    database: Database, keeper: Keeper
) -> None:
    await keeper.contact("known", NOON, caller=OTHER_NUMBER, customer=OTHERS)
    await keeper.contact("stranger", NOON, caller=NUMBER)
    holds = Holds(database)
    await holds.place(hold(HoldSubject.CUSTOMER, OTHERS))
    await holds.place(hold(HoldSubject.CONTACT, "stranger"))
    with pytest.raises(Held):
        await erasure(database).erase(OTHERS)
    with pytest.raises(Held):
        await erasure(database).erase_number(NUMBER)
    await holds.release(HoldSubject.CUSTOMER, OTHERS, by="anna", at=NOON)
    await holds.release(HoldSubject.CONTACT, "stranger", by="anna", at=NOON)

    again = NOON + timedelta(hours=1)
    for caller in (NUMBER, OTHER_NUMBER):
        live = ContactId(f"live-{caller}")
        await keeper.write([ev.ContactEntered(at=again, contact_id=live, number="400", caller=caller, brand=SHOP.name)])
    with pytest.raises(Refused, match="on the line"):
        await erasure(database).erase_number(NUMBER)
    with pytest.raises(Refused, match="on the line"):
        await erasure(database).erase(OTHERS)


class WritesMeanwhile(NothingElsewhere):
    """Somebody writes while the person is looked for."""

    def __init__(self, write: Callable[[], Awaitable[None]]) -> None:
        self._write = write

    async def settle(self, contact_ids: Collection[ContactId], numbers: Collection[str]) -> None:
        await self._write()


async def test_given_a_number_that_is_written_while_its_person_is_erased_then_it_is_gone_there_too(
    database: Database, keeper: Keeper
) -> None:
    customers, desk = Customers(database), Tickets(database)
    one = await customers.add(name="Wang", phones=[NUMBER])
    await keeper.contact("one", NOON, caller=NUMBER, customer=one)
    await keeper.contact("other", NOON, caller=OTHER_NUMBER)
    again = NOON + timedelta(minutes=5)
    ticket = await desk.open(
        contact_id=ContactId("c"), subject="s", at=NOON, agent_id=AgentId("1001"), customer_id=None
    )
    former = "13977700000"

    async def write() -> None:
        await desk.move(ticket.id, TicketState.PENDING, NOON, note=f"ring {NUMBER} or {former}")
        await customers.add(name="Zhu", phones=[], note=f"his wife is at {NUMBER}")
        pressed = ev.InputTaken(
            at=again, contact_id=ContactId("other"), node="callback", kind=ev.InputKind.DTMF, value=NUMBER
        )
        await keeper.write([pressed])
        await keeper.contact("former", again, caller=former, customer=one)

    erasing = Erasure(database, FakeClock(NOON), WritesMeanwhile(write))
    assert await erasing.erase(one) is not None
    left = await dump(database)
    assert NUMBER not in left and former not in left
    assert "ring … or …" in left and "his wife is at …" in left
