"""A call's record is the fold of its events: in any repetition, and from the middle on."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome, Requirements, VisitEnding
from switchroom.domain.history import ContactRecord, fold
from switchroom.domain.ids import AgentId, ContactId, CustomerId, Extension, OfferId, QueueName
from tests.support.brands import SHOP

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
CALL, AGENT = ContactId("c1"), AgentId("1001")
NEEDS = Requirements(queue=QueueName("returns"), skills={"returns": 3}, tier=CustomerTier.GOLD)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


ENTERED = ev.ContactEntered(at=NOON, contact_id=CALL, number="400", caller="138", brand=SHOP.name)
IDENTIFIED = ev.CustomerIdentified(at=later(1), contact_id=CALL, customer_id=CustomerId("7"), tier=CustomerTier.SILVER)
QUEUED = ev.ContactQueued(
    at=later(9),
    contact_id=CALL,
    requirements=NEEDS,
    enqueued_at=later(8),
    collected={"order": "1", "language": "en-US"},
)
OFFER = ev.OfferMade(
    at=later(20),
    contact_id=CALL,
    offer_id=OfferId("o"),
    agent_id=AGENT,
    extension=Extension("1001"),
    queue=QueueName("returns"),
    ring_timeout_s=20,
)
POPPED = ev.ScreenPopSent(at=later(20.1), contact_id=CALL, offer_id=OfferId("o"), agent_id=AGENT, screens=1)
RANG = ev.AgentRang(at=later(21), contact_id=CALL, offer_id=OfferId("o"), agent_id=AGENT)
MISSED = ev.OfferFailed(
    at=later(40), contact_id=CALL, offer_id=OfferId("o"), agent_id=AGENT, failure=ev.OfferFailure.NO_ANSWER
)
CONNECTED = ev.ContactConnected(at=later(24), contact_id=CALL, offer_id=OfferId("o"), agent_id=AGENT)
ENDED = ev.ContactEnded(at=later(90), contact_id=CALL, outcome=Outcome.CONNECTED, agent_id=AGENT)


def told(*events: ev.ContactEvent) -> ContactRecord:
    record: ContactRecord | None = None
    for event in events:
        record = fold(record, event)
    assert record is not None
    return record


def test_given_a_whole_call_then_every_time_is_kept() -> None:
    record = told(ENTERED, IDENTIFIED, QUEUED, OFFER, POPPED, RANG, CONNECTED, ENDED)
    times = (record.entered_at, record.enqueued_at, record.offered_at, record.popped_at)
    assert times == (NOON, later(8), later(20), later(20.1))
    assert (record.ringing_at, record.answered_at, record.ended_at) == (later(21), later(24), later(90))
    assert (record.customer_id, record.tier, record.language) == ("7", CustomerTier.GOLD, "en-US")
    assert (record.collected, record.skills) == ({"order": "1"}, {"returns": 3})


def test_given_an_offer_that_failed_then_nothing_of_it_stays_but_the_place_in_line() -> None:
    record = told(ENTERED, QUEUED, OFFER, POPPED, RANG, MISSED)
    assert (record.agent_id, record.offered_at, record.popped_at, record.ringing_at) == (None, None, None, None)
    assert (record.queue, record.enqueued_at) == ("returns", later(8))


def test_given_a_second_ending_then_the_first_outcome_stays() -> None:
    again = ev.ContactEnded(at=later(99), contact_id=CALL, outcome=Outcome.SYSTEM_FAILED)
    record = told(ENTERED, CONNECTED, ENDED, again)
    assert (record.outcome, record.ended_at, record.agent_id) == (Outcome.CONNECTED, later(90), AGENT)


def test_given_a_call_first_seen_talking_then_its_record_begins_there() -> None:
    adopted = ev.ContactAdopted(
        at=later(60),
        contact_id=CALL,
        number="400",
        caller="138",
        brand=SHOP.name,
        entered_at=NOON,
        state=CallState.CONNECTED,
        agent_id=AGENT,
    )
    record = told(adopted)
    assert (record.entered_at, record.answered_at, record.agent_id) == (NOON, later(60), AGENT)
    assert told(ENTERED, CONNECTED, adopted).answered_at == later(24)


def test_given_a_second_look_up_that_fails_then_what_was_known_stays() -> None:
    stranger = ev.CustomerIdentified(at=later(60), contact_id=CALL, customer_id=None)
    record = told(ENTERED, IDENTIFIED, QUEUED, stranger)
    assert (record.customer_id, record.tier, record.language) == ("7", CustomerTier.GOLD, "en-US")


def queued_for(queue: str, at: float) -> ev.ContactQueued:
    needs = Requirements(QueueName(queue), tier=CustomerTier.GOLD)
    return ev.ContactQueued(at=later(at), contact_id=CALL, requirements=needs, enqueued_at=later(at))


OVER = ev.TalkEnded(at=later(60), contact_id=CALL, agent_id=AGENT, offer_id=OfferId("o"), began_at=later(24))


def test_given_a_transfer_then_each_wait_and_each_talk_is_kept() -> None:
    bob, second = AgentId("1002"), OfferId("o2")
    record = told(
        *(ENTERED, QUEUED, OFFER, RANG, CONNECTED, OVER),
        ev.ContactTransferred(at=later(60), contact_id=CALL, agent_id=AGENT, queue=QueueName("complaints")),
        queued_for("complaints", 60),
        ev.ContactConnected(at=later(70), contact_id=CALL, agent_id=bob, offer_id=second),
        ev.TalkEnded(at=later(90), contact_id=CALL, agent_id=bob, offer_id=second, began_at=later(70)),
        ev.ContactEnded(at=later(90), contact_id=CALL, outcome=Outcome.CONNECTED, agent_id=bob),
    )
    assert [(visit.queue, visit.enqueued_at, visit.ended_at, visit.ending) for visit in record.visits] == [
        ("returns", later(8), later(24), VisitEnding.ANSWERED),
        ("complaints", later(60), later(70), VisitEnding.ANSWERED),
    ]
    assert [(talk.agent_id, talk.began_at, talk.ended_at) for talk in record.talks] == [
        (AGENT, later(24), later(60)),
        (bob, later(70), later(90)),
    ]
    assert (record.answered_at, record.agent_id, dict(record.collected)) == (later(24), bob, {"order": "1"})


def test_given_a_talk_that_is_told_again_after_a_transfer_then_the_second_wait_goes_on() -> None:
    record = told(ENTERED, QUEUED, CONNECTED, OVER, queued_for("complaints", 60), CONNECTED, OVER)
    assert [visit.ending for visit in record.visits] == [VisitEnding.ANSWERED, None]


def test_given_a_talk_of_which_only_the_end_was_heard_then_it_answered_the_wait_before_it() -> None:
    record = told(ENTERED, QUEUED, OVER, queued_for("complaints", 60))
    answered, waits = record.visits
    assert (answered.ending, answered.ended_at, waits.ending) == (VisitEnding.ANSWERED, later(24), None)


def test_given_a_customer_who_gives_up_after_a_transfer_then_only_the_second_wait_is_abandoned() -> None:
    gone = ev.ContactEnded(at=later(80), contact_id=CALL, outcome=Outcome.ABANDONED)
    record = told(ENTERED, QUEUED, CONNECTED, OVER, queued_for("complaints", 60), gone)
    assert [visit.ending for visit in record.visits] == [VisitEnding.ANSWERED, VisitEnding.ABANDONED]


def test_given_nobody_on_duty_then_the_wait_overflows_into_the_fallback_queue_with_the_place_kept() -> None:
    moved = ev.PlaceChanged(
        at=later(40),
        contact_id=CALL,
        requirements=Requirements(QueueName("general")),
        enqueued_at=later(8),
        why=ev.PlaceChange.NOBODY_ON_DUTY,
    )
    record = told(ENTERED, QUEUED, moved)
    assert [(visit.queue, visit.enqueued_at, visit.ending) for visit in record.visits] == [
        ("returns", later(8), VisitEnding.OVERFLOWED),
        ("general", later(40), None),
    ]
    assert record.enqueued_at == later(8)


def test_given_only_the_end_of_a_talk_then_the_talk_is_taken_up_whole() -> None:
    record = told(ENTERED, QUEUED, OVER)
    assert [(talk.began_at, talk.ended_at) for talk in record.talks] == [(later(24), later(60))]
    assert (record.answered_at, record.agent_id) == (later(24), AGENT)


@given(
    st.lists(st.sampled_from([ENTERED, IDENTIFIED, QUEUED, OFFER, POPPED, RANG, CONNECTED, OVER, ENDED]), min_size=1)
)
def test_an_event_told_twice_in_a_row_changes_nothing(events: list[ev.ContactEvent]) -> None:
    once = told(*events)
    assert fold(once, events[-1]) == once
