"""The contacts that are here now: after a restart, with what was before it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cti_bridge.contacts.present import PresentContacts
from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome, QueueVisit, Requirements, Talk, VisitEnding, Waiting
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import AgentId, ContactId, OfferId, QueueName
from switchroom.runtime.bus import Bus
from tests.support.brands import SHOP

pytestmark = pytest.mark.virtual_time

NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)
CALL, ANN, BOB = ContactId("c1"), AgentId("1001"), AgentId("1002")
RETURNS, COMPLAINTS = Requirements(QueueName("returns")), Requirements(QueueName("complaints"))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class Past:
    """The ledger, which answers after a second."""

    def __init__(self, record: ContactRecord) -> None:
        self._record = record

    async def get(self, contact_id: ContactId) -> ContactRecord | None:
        await asyncio.sleep(1)
        return self._record


KNOWN = ContactRecord(
    contact_id=CALL,
    entered_at=NOON,
    path=("main", "returns"),
    collected={"order": "7"},
    visits=(QueueVisit(queue=QueueName("returns"), enqueued_at=at(1), ended_at=at(9), ending=VisitEnding.ANSWERED),),
    talks=(Talk(agent_id=ANN, offer_id=OfferId("o1"), began_at=at(9)),),
)
ADOPTED = ev.ContactAdopted(
    at=at(60),
    contact_id=CALL,
    number="400",
    caller="",
    brand=SHOP.name,
    entered_at=NOON,
    state=CallState.QUEUED,
    waiting=Waiting(COMPLAINTS, at(50)),
)


async def test_given_a_transfer_beside_a_restart_then_talks_and_waits_of_before_and_of_now_are_known() -> None:
    bus, ended = Bus(), []
    contacts = PresentContacts(bus, Past(KNOWN))

    def watch(event: ev.ContactEvent, before: ContactRecord | None, record: ContactRecord) -> None:
        ended.append((len(before.visits) if before else 0, len(record.visits)))

    contacts.watch(watch)
    bus.publish(ev.TalkEnded(at=at(50), contact_id=CALL, agent_id=ANN, offer_id=OfferId("o1"), began_at=at(9)))
    bus.publish(ADOPTED)
    bus.publish(ev.ContactQueued(at=at(60), contact_id=CALL, requirements=COMPLAINTS, enqueued_at=at(50)))
    bus.publish(ev.Reconciled(at=at(60), live=frozenset({CALL})))
    bus.publish(ev.ContactConnected(at=at(61), contact_id=CALL, agent_id=BOB, offer_id=OfferId("o2")))
    await asyncio.sleep(2)
    record = contacts.get(CALL)
    assert record is not None
    assert [(visit.queue, visit.ending) for visit in record.visits] == [
        ("returns", VisitEnding.ANSWERED),
        ("complaints", VisitEnding.ANSWERED),
    ]
    assert [(talk.agent_id, talk.ended_at) for talk in record.talks] == [(ANN, at(50)), (BOB, None)]
    assert (record.path, record.collected, record.agent_id) == (("main", "returns"), {"order": "7"}, BOB)
    assert ended == [(0, 0), (0, 1), (1, 1)]  # what was before the restart does not end again
    bus.publish(ev.ContactEnded(at=at(90), contact_id=CALL, outcome=Outcome.CONNECTED, agent_id=BOB))
    assert contacts.get(CALL) is None
    await contacts.stop()


async def test_given_a_word_about_a_contact_that_is_over_then_nothing_is_kept() -> None:
    bus = Bus()
    contacts = PresentContacts(bus, Past(KNOWN))
    bus.publish(ev.TalkEnded(at=at(50), contact_id=CALL, agent_id=ANN, offer_id=OfferId("o1"), began_at=at(9)))
    bus.publish(ev.Reconciled(at=at(60), live=frozenset()))
    bus.publish(ADOPTED)
    bus.publish(ev.ContactEnded(at=at(61), contact_id=CALL, outcome=Outcome.ABANDONED))
    await asyncio.sleep(2)
    assert contacts.get(CALL) is None
    await contacts.stop()
