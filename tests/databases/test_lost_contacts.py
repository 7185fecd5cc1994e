"""Contacts that were lost with their server end when their channel tells who is there, and everybody hears of it."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import VOICE, ChannelName, Outcome, Requirements
from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.runtime.bus import Bus
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.event_log import EventLog
from switchroom.storage.ledger import Ledger
from switchroom.storage.lost import LostContacts
from tests.fakes.clock import FakeClock
from tests.support.brands import SHOP
from tests.support.waiting import eventually

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
ONE_MORE = "one more"
AGENT, TEXT = AgentId("1001"), ChannelName("text")


class Server:
    """What a server has of all this; the database it shares."""

    def __init__(self, database: Database, name: str) -> None:
        self.bus = Bus()
        self.ledger = Ledger(database, self.bus, FakeClock(NOON), server=name)
        self.lost = LostContacts(self.ledger, Contacts(database), self.bus)
        self._number = count()
        self.ends: dict[str, Outcome] = {}
        self.bus.subscribe(ev.ContactEnded, lambda event: self.ends.update({event.contact_id: event.outcome}))

    def enters(self, contact_id: str, channel: ChannelName = VOICE) -> None:
        self.bus.publish(
            ev.ContactEntered(
                at=NOON, contact_id=ContactId(contact_id), number="400", caller="1", brand=SHOP.name, channel=channel
            )
        )

    def adopts(self, contact_id: str) -> None:
        self.bus.publish(
            ev.ContactAdopted(
                at=NOON,
                contact_id=ContactId(contact_id),
                number="400",
                caller="1",
                brand=SHOP.name,
                entered_at=NOON,
                state=CallState.QUEUED,
            )
        )

    async def reconciles(self, live: Sequence[str] = ()) -> None:
        """Returns when what is lost has ended; one more is always lost, which shows it."""
        more = f"{ONE_MORE} {next(self._number)} of {self.ledger.server}"
        self.enters(more)
        self.finds(live)
        await eventually(lambda: more in self.ends, "the lost contacts end")
        del self.ends[more]
        await self.ledger.flush()

    def finds(self, live: Sequence[str]) -> None:
        at = NOON + timedelta(seconds=30)
        self.bus.publish(ev.Reconciled(at=at, live=frozenset(map(ContactId, live))))


@pytest.fixture
async def servers(database: Database) -> AsyncIterator[Sequence[Server]]:
    found = [Server(database, name) for name in ("east", "west")]
    for server in found:
        await server.ledger.start()
    yield found
    for server in found:
        await server.lost.stop()
        await server.ledger.stop()


async def test_given_contacts_that_ended_unseen_when_reconciled_then_each_has_the_outcome_that_can_still_be_told(
    database: Database, servers: Sequence[Server]
) -> None:
    east, _ = servers
    talked, again = ContactId("talked"), ContactId("again")
    for contact_id in ("talked", "left", "lives", "again"):
        east.enters(contact_id)
    east.enters("chat", TEXT)
    for contact_id in (talked, again):
        east.bus.publish(ev.ContactConnected(at=NOON, contact_id=contact_id, agent_id=AGENT))
    needs = Requirements(QueueName("complaints"))
    east.bus.publish(ev.ContactQueued(at=NOON, contact_id=again, requirements=needs, enqueued_at=NOON))
    await east.reconciles(["lives"])
    ended = {"talked": Outcome.CONNECTED, "left": Outcome.ABANDONED, "again": Outcome.ABANDONED}
    assert east.ends == ended, "everybody on the bus has heard of it"
    assert await outcomes(database) == {**ended, "lives": None, "chat": None}
    log = await EventLog(database).of_contact(ContactId("left"))
    assert [entry.type for entry in log] == ["switchroom.contact.entered", "switchroom.contact.ended"]


async def test_given_a_contact_that_comes_while_the_lost_are_looked_for_then_it_goes_on(
    servers: Sequence[Server],
) -> None:
    east, _ = servers
    east.enters("lost")
    east.finds([])
    east.enters("new")
    await eventually(lambda: "lost" in east.ends, "the lost contact ends")
    assert east.ends == {"lost": Outcome.ABANDONED}


async def test_given_two_servers_when_one_reconciles_then_only_its_own_contacts_end(
    database: Database, servers: Sequence[Server]
) -> None:
    east, west = servers
    for server, name in ((east, "east"), (west, "west")):
        server.enters(f"{name}-lost")
        server.enters(f"{name}-lives")
        await server.ledger.flush()
    await east.reconciles(["east-lives"])
    assert (set(east.ends), set(west.ends)) == ({"east-lost"}, set())
    await west.reconciles(["west-lives"])
    assert await outcomes(database) == {
        "east-lost": Outcome.ABANDONED,
        "east-lives": None,
        "west-lost": Outcome.ABANDONED,
        "west-lives": None,
    }


async def test_given_a_contact_of_which_another_server_wrote_when_that_one_reconciles_then_it_is_still_its_owners(
    servers: Sequence[Server],
) -> None:
    east, west = servers
    east.enters("c")
    await east.ledger.flush()
    west.bus.publish(ev.NodeVisited(at=NOON, contact_id=ContactId("c"), node="routed"))
    await west.ledger.flush()
    await west.reconciles()
    assert west.ends == {}

    west.adopts("c")
    await west.ledger.flush()
    await east.reconciles()
    assert east.ends == {}, "it is west's now"
    await west.reconciles()
    assert west.ends == {"c": Outcome.ABANDONED}


async def outcomes(database: Database) -> dict[str, Outcome | None]:
    found = await Contacts(database).latest()
    return {record.contact_id: record.outcome for record in found if ONE_MORE not in record.contact_id}
