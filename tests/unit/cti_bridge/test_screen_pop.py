from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cti_bridge.customers.profiles import Profile
from cti_bridge.masking import LONGEST, inert, mask_phone
from cti_bridge.pop.screen_pop import screen_pop
from switchroom.domain.contact import CustomerTier
from switchroom.domain.customer import Customer
from switchroom.domain.events import InputKind, OfferMade
from switchroom.domain.history import ContactRecord, TakenInput
from switchroom.domain.ids import AgentId, ContactId, CustomerId, Extension, OfferId, QueueName, TicketId
from switchroom.domain.ticket import Ticket, TicketState
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
OFFER = OfferMade(
    at=NOON + timedelta(seconds=42),
    contact_id=ContactId("c1"),
    offer_id=OfferId("o1"),
    agent_id=AgentId("1001"),
    extension=Extension("1001"),
    queue=QueueName("returns"),
    ring_timeout_s=20,
)
RECORD = ContactRecord(
    contact_id=ContactId("c1"),
    entered_at=NOON - timedelta(seconds=30),
    enqueued_at=NOON,
    number="4008123123",
    caller="13800138000",
    path=("welcome", "returns"),
    inputs=(TakenInput(node="returns", kind=InputKind.SPEECH, value="退货"),),
    collected={"order": "20260105"},
)


def ticket(number: int, contact_id: str, state: TicketState) -> Ticket:
    return Ticket(
        id=TicketId(number), contact_id=ContactId(contact_id), subject=f"t{number}", state=state, created_at=NOON
    )


def test_given_a_stranger_then_the_pop_has_the_masked_number_and_the_way_through_the_menu() -> None:
    pop = screen_pop(OFFER, RECORD, None, SHOP)
    assert (pop.customer, pop.phone, pop.tier) == (None, "138****8000", CustomerTier.STANDARD)
    assert (pop.path, pop.collected, pop.queue) == (("welcome", "returns"), {"order": "20260105"}, "returns")
    assert pop.waited_s == 42.0


def test_given_a_call_that_never_waited_in_a_line_then_waiting_counts_from_its_entry() -> None:
    record = ContactRecord(contact_id=ContactId("c1"), entered_at=NOON)
    assert screen_pop(OFFER, record, None, SHOP).waited_s == 42.0


def test_given_a_customer_then_former_contacts_and_unfinished_tickets_without_the_present_call() -> None:
    former = ContactRecord(
        contact_id=ContactId("old"), entered_at=NOON, queue=QueueName("general"), disposition="resolved"
    )
    profile = Profile(
        customer=Customer(
            id=CustomerId("1"), name="王芳", tier=CustomerTier.GOLD, language="zh-CN", phones=("+8613800138000",)
        ),
        contacts=(RECORD, former),
        tickets=(
            ticket(1, "old", TicketState.CLOSED),
            ticket(2, "other", TicketState.PENDING),
            ticket(3, "c1", TicketState.OPEN),
        ),
    )
    pop = screen_pop(OFFER, RECORD, profile, SHOP)
    assert pop.customer is not None and pop.customer.phones == ("138****8000",)
    assert (pop.tier, pop.language) == (CustomerTier.GOLD, "zh-CN")
    assert [(c.contact_id, c.subject, c.disposition) for c in pop.contacts] == [("old", "t1", "resolved")]
    assert [t.id for t in pop.tickets] == [2]


def test_text_from_outside_can_neither_hide_nor_rearrange_what_is_read() -> None:
    customer = Customer(id=CustomerId("1"), name="Bob\u202etxt.exe\x00\x1b[2J", note="line 1\nline 2")
    pop = screen_pop(OFFER, RECORD, Profile(customer=customer), SHOP)
    assert pop.customer is not None
    assert (pop.customer.name, pop.customer.note) == ("Bobtxt.exe[2J", "line 1\nline 2")


@given(st.text())
def test_inert_text_is_short_and_stays_the_same_when_treated_again(text: str) -> None:
    once = inert(text)
    assert len(once) <= LONGEST
    assert inert(once) == once


@given(st.from_regex(r"\+?[0-9]{0,15}", fullmatch=True))
def test_a_masked_number_never_shows_its_middle(phone: str) -> None:
    digits = phone.lstrip("+")
    masked = mask_phone(phone)
    shown = sum(c.isdigit() for c in masked)
    assert shown <= 7
    assert len(digits) <= 2 or masked != phone
