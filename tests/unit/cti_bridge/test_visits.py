"""Waits in queues, as they are counted: each visit once."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from cti_bridge.contacts.visits import VisitFigures
from switchroom.domain import events as ev
from switchroom.domain.brand import Brand, Brands, ServiceLevel
from switchroom.domain.contact import Outcome, Requirements
from switchroom.domain.history import ContactRecord, fold
from switchroom.domain.ids import AgentId, BrandName, ContactId, OfferId, QueueName, TicketId

NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)
SHOP = Brand(name=BrandName("shop"), title={"en-US": "Shop"}, service_level=ServiceLevel(20.0, 0.8))
CALL, ANN = ContactId("c1"), AgentId("1001")


class Figures:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._figures = VisitFigures(self.registry, Brands((), SHOP))
        self._record: ContactRecord | None = None

    def hear(self, *events: ev.ContactEvent) -> None:
        for event in events:
            before, self._record = self._record, fold(self._record, event)
            self._figures.watch(event, before, self._record)

    def ended(self, queue: str, ending: str) -> float:
        labels = {"queue": queue, "brand": "shop", "ending": ending}
        return self.registry.get_sample_value("switchroom_visits_total", labels) or 0.0

    def in_time(self, queue: str) -> float:
        labels = {"queue": queue, "brand": "shop"}
        return self.registry.get_sample_value("switchroom_visits_in_time_total", labels) or 0.0


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def queued(queue: str, seconds: float) -> ev.ContactQueued:
    needs = Requirements(QueueName(queue))
    return ev.ContactQueued(at=at(seconds), contact_id=CALL, requirements=needs, enqueued_at=at(seconds))


def connected(seconds: float, offer: str) -> ev.ContactConnected:
    return ev.ContactConnected(at=at(seconds), contact_id=CALL, agent_id=ANN, offer_id=OfferId(offer))


def test_given_a_transferred_contact_then_each_wait_is_counted_once_and_the_quick_one_is_in_time() -> None:
    figures = Figures()
    figures.hear(
        ev.ContactEntered(at=NOON, contact_id=CALL, number="400", caller="", brand=SHOP.name),
        queued("returns", 1),
        connected(11, "o1"),
        connected(11, "o1"),
        ev.TalkEnded(at=at(60), contact_id=CALL, agent_id=ANN, offer_id=OfferId("o1"), began_at=at(11)),
        queued("complaints", 60),
        connected(95, "o2"),
        ev.ContactEnded(at=at(120), contact_id=CALL, outcome=Outcome.CONNECTED, agent_id=ANN),
        # What follows in wrap-up ends no wait again.
        ev.RecordingReady(at=at(121), contact_id=CALL, agent_id=ANN, path="x", seconds=1, left_rms=0.1, right_rms=0.1),
        ev.TicketClosed(at=at(150), contact_id=CALL, ticket_id=TicketId("7"), disposition="done"),
    )
    assert (figures.ended("returns", "answered"), figures.ended("complaints", "answered")) == (1, 1)
    assert (figures.in_time("returns"), figures.in_time("complaints")) == (1, 0)


def test_given_a_contact_that_gives_up_then_it_is_counted_as_abandoned() -> None:
    figures = Figures()
    figures.hear(queued("returns", 0), ev.ContactEnded(at=at(9), contact_id=CALL, outcome=Outcome.ABANDONED))
    assert figures.ended("returns", "abandoned") == 1
    assert figures.in_time("returns") == 0
