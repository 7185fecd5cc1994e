"""Contacts of a server that was renamed or taken out of service end; those of a server that runs never do."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome
from switchroom.domain.ids import ContactId
from switchroom.runtime.bus import Bus
from switchroom.storage.database import Database
from switchroom.storage.gone import SILENT, WATCHED_S, GoneServers
from tests.fakes.clock import FakeClock
from tests.fixtures.kept_contacts import NOON, Keeper
from tests.support.brands import SHOP

LONG_S = SILENT.total_seconds() + 60


class Server:
    """A server's minute, and the ends that it tells."""

    def __init__(self, database: Database, name: str, clock: FakeClock) -> None:
        self.clock, self.bus, self.ended = clock, Bus(), list[ev.ContactEnded]()
        self.bus.subscribe(ev.ContactEnded, self.ended.append)
        self._gone = GoneServers(database, name, self.bus, clock)

    async def lives(self, times: int = 1, every_s: float = WATCHED_S) -> None:
        for _ in range(times):
            await self._gone.end_contacts()
            self.clock.advance(every_s)

    @property
    def ends(self) -> Sequence[str]:
        return [event.contact_id for event in self.ended]


async def enters(keeper: Keeper, contact_id: str, server: str, at: float = 0) -> None:
    came = ev.ContactEntered(
        at=NOON + timedelta(seconds=at), contact_id=ContactId(contact_id), number="400", caller="1", brand=SHOP.name
    )
    await keeper.write([came], server=server)


async def test_given_a_server_that_is_gone_for_a_day_then_another_ends_its_contacts_as_of_its_last_sign_of_life(
    database: Database, keeper: Keeper
) -> None:
    clock = FakeClock(NOON)
    east, west = Server(database, "east", clock), Server(database, "west", clock)
    await enters(keeper, "left", "east", at=-60)
    await enters(keeper, "own", "west", at=-60)
    await east.lives()
    clock.advance(SILENT.total_seconds() - 3 * WATCHED_S)
    await west.lives(2)
    assert west.ends == [], "it may come back"
    clock.advance(LONG_S)
    await enters(keeper, "new", "east", at=clock.monotonic())
    await west.lives(2)
    assert [(end.contact_id, end.outcome, end.at) for end in west.ended] == [("left", Outcome.ABANDONED, NOON)]


async def test_given_a_name_of_which_no_sign_of_life_is_there_then_its_contacts_end_too(
    database: Database, keeper: Keeper
) -> None:
    clock = FakeClock(NOON)
    west = Server(database, "west", clock)
    await enters(keeper, "old", "former")
    clock.advance(LONG_S)
    await west.lives()
    assert west.ends == [], "it has not watched yet"
    await west.lives()
    assert west.ends == ["old"]


@pytest.mark.parametrize("ahead_s", [0.0, 365 * 86_400.0])
async def test_given_two_servers_that_run_then_neither_ends_the_others_contacts_however_their_clocks_are_set(
    database: Database, keeper: Keeper, ahead_s: float
) -> None:
    east = Server(database, "east", FakeClock(NOON))
    west = Server(database, "west", FakeClock(NOON + timedelta(seconds=ahead_s)))
    await enters(keeper, "of-east", "east")
    await enters(keeper, "of-west", "west")
    for server in (east, west):
        server.clock.advance(LONG_S)
    for _ in range(20):
        await east.lives(every_s=60)
        await west.lives(every_s=60)
    assert (east.ends, west.ends) == ([], [])
