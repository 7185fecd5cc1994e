"""Each kind of record is kept for its time and no longer."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome
from switchroom.domain.ids import ContactId, TicketId
from switchroom.domain.ticket import TicketState
from switchroom.runtime.settings import Retention as Days
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.event_log import EventLog
from switchroom.storage.rebuild import rebuild
from switchroom.storage.retention import Kind
from switchroom.storage.tickets import Tickets
from tests.fixtures.aged_contacts import AGES, KEPT, Disk, dump, of_all_ages, retention, there
from tests.fixtures.kept_contacts import NOON, SHANGHAI, Keeper
from tests.support.brands import SHOP


async def test_given_contacts_of_all_ages_when_run_then_each_kind_of_record_is_there_for_its_time(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    await of_all_ages(keeper)
    counted = await retention(database, disk, dry_run=True).run(NOON)
    assert await there(database, disk) == {what: set(AGES) for what in KEPT}, "a dry run deletes nothing"
    done = await retention(database, disk).run(NOON)
    assert (
        counted
        == done
        == {
            Kind.MENU_INPUTS: 6,
            Kind.RECORDINGS: 5,
            Kind.PERSONAL_DATA: 4,
            Kind.TICKETS: 3,
            Kind.EVENTS: 18,
            Kind.CONTACTS: 1,
        }
    )
    assert await there(database, disk) == KEPT
    before = await dump(database)
    assert set((await retention(database, disk).run(NOON)).values()) == {0}
    assert await dump(database) == before, "a second run finds nothing to do"


async def test_given_a_run_when_rebuilt_then_what_is_gone_stays_gone(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    await of_all_ages(keeper)
    await retention(database, disk).run(NOON)
    before = await dump(database)
    await rebuild(database, SHANGHAI)
    assert await dump(database) == before


async def test_given_zero_days_then_that_kind_is_kept(database: Database, keeper: Keeper, disk: Disk) -> None:
    await of_all_ages(keeper)
    for_ever = Days(**dict.fromkeys([f"{kind}_days" for kind in Kind], 0))
    before = await dump(database)
    assert set((await retention(database, disk, for_ever).run(NOON)).values()) == {0}
    assert await dump(database) == before


def test_given_records_that_would_outlast_their_contact_then_the_setting_is_named() -> None:
    with pytest.raises(ValidationError, match="events_days may not outlast contacts_days"):
        Days(contacts_days=100, events_days=0, recordings_days=10, personal_data_days=10, menu_inputs_days=10)


async def test_given_a_limit_of_days_then_it_is_a_midnight_of_the_business(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    midnight = NOON - timedelta(hours=12)
    await keeper.contact("after", midnight - timedelta(days=60))
    await keeper.contact("before", midnight - timedelta(days=60, seconds=1))
    await retention(database, disk).run(NOON)
    assert await Contacts(database).get(ContactId("after")) is not None
    assert await Contacts(database).get(ContactId("before")) is None


async def test_given_a_contact_that_is_gone_when_more_is_told_of_it_then_it_does_not_come_again(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    gone = ContactId("c")
    await keeper.contact(gone, NOON - timedelta(days=61))
    await retention(database, disk).run(NOON)
    await keeper.write(
        [
            ev.TicketClosed(at=NOON, contact_id=gone, ticket_id=TicketId("1"), disposition="refund"),
            ev.ContactEnded(at=NOON, contact_id=gone, outcome=Outcome.ABANDONED),
        ]
    )
    told = await EventLog(database).of_contact(gone)
    assert [entry.type for entry in told] == ["switchroom.ticket.closed", "switchroom.contact.ended"], "the log has it"
    assert await Contacts(database).latest() == []
    await rebuild(database, SHANGHAI)
    assert await Contacts(database).latest() == []


async def test_given_a_contact_of_which_no_end_was_told_then_it_is_kept_no_longer_than_others(
    database: Database, keeper: Keeper, disk: Disk
) -> None:
    for contact_id, age in (("kept", 29), ("nobody", 49), ("gone", 61)):
        at = NOON - timedelta(days=age)
        await keeper.write(
            [ev.ContactEntered(at=at, contact_id=ContactId(contact_id), number="400", caller="1", brand=SHOP.name)]
        )
    await retention(database, disk).run(NOON)
    found = {record.contact_id: record.caller for record in await Contacts(database).latest()}
    assert found == {"kept": "1", "nobody": ""}


async def test_given_a_ticket_that_is_open_then_it_stays(database: Database, keeper: Keeper, disk: Disk) -> None:
    await keeper.contact("c", NOON - timedelta(days=59))
    desk = Tickets(database)
    [ticket] = await desk.latest()
    still_open = await desk.open(
        contact_id=ContactId("d"), subject="s", at=NOON - timedelta(days=59), agent_id=None, customer_id=None
    )
    await retention(database, disk).run(NOON)
    assert await desk.get(ticket.id) is None
    kept = await desk.get(still_open.id)
    assert kept is not None and kept.state is TicketState.OPEN
