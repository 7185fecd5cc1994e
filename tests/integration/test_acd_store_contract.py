"""What any store must do, run against memory and a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from acd.core.line import QueueEntry
from acd.store.port import Store, StoreError
from acd.store.redis_store import SERVER_LIVES_S, RedisStore
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import AgentId, ContactId, QueueName
from switchroom.runtime.clock import SystemClock
from tests.fakes.memory_store import MemoryStore
from tests.fixtures.redis import RedisServer


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.stop()


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    found: Store
    if request.param == "memory":
        found = MemoryStore(SystemClock())
    else:
        url: str = request.getfixturevalue("redis_url")
        found = RedisStore(url, prefix=f"test:{request.node.name}:")
    yield found
    await found.close()


def entry(contact_id: str, at_s: int = 0) -> QueueEntry:
    needs = Requirements(QueueName("returns"), {"returns": 1, "lang:zh": 1}, CustomerTier.GOLD)
    came = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(seconds=at_s, milliseconds=123)
    since = came.timestamp()
    return QueueEntry(ContactId(contact_id), needs, since, (since - 60, since, ContactId(contact_id)))


ANN, BOB = AgentId("1001"), AgentId("1002")
ONE = ContactId("one")


async def test_what_waits_comes_back_as_it_was(store: Store) -> None:
    await store.enqueue(entry("one"))
    assert await store.entries() == [entry("one")]


async def test_given_a_contact_that_waits_when_it_is_enqueued_again_then_the_first_place_counts(store: Store) -> None:
    await store.enqueue(entry("one", 0))
    await store.enqueue(entry("one", 90))
    assert await store.entries() == [entry("one", 0)]


async def test_given_a_reserved_agent_then_no_other_contact_gets_the_agent(store: Store) -> None:
    assert await store.reserve(entry("one"), ANN, 30) is not None
    assert await store.reserve(entry("two"), ANN, 30) is None


async def test_given_a_reserved_contact_then_no_other_agent_gets_the_contact(store: Store) -> None:
    assert await store.reserve(entry("one"), ANN, 30) is not None
    assert await store.reserve(entry("one"), BOB, 30) is None


async def test_given_a_contact_that_the_store_has_lost_then_reserving_shows_it_again(store: Store) -> None:
    assert await store.reserve(entry("one"), ANN, 30) is not None
    assert await store.entries() == [entry("one")]


async def test_given_a_released_reservation_then_both_are_free_and_the_token_rises(store: Store) -> None:
    first = await store.reserve(entry("one"), ANN, 30)
    assert first is not None and await store.release(first) is True
    assert await store.release(first) is False
    second = await store.reserve(entry("one"), ANN, 30)
    assert second is not None and second > first
    assert await store.entries() == [entry("one")]


async def test_given_a_late_release_then_the_newer_reservation_stands(store: Store) -> None:
    old = await store.reserve(entry("one"), ANN, 0.05)
    assert old is not None
    new = await _until_reserved(store, ANN)
    assert await store.release(old) is False
    assert await store.reserve(entry("one"), BOB, 30) is None
    assert await store.release(new) is True


async def test_given_a_contact_removed_while_reserved_then_the_agent_is_free(store: Store) -> None:
    assert await store.reserve(entry("one"), ANN, 30) is not None
    await store.remove(ONE)
    await store.remove(ONE)
    assert await store.entries() == []
    assert await store.reserve(entry("two"), ANN, 30) is not None


async def test_given_a_line_told_anew_then_it_is_exactly_that_and_reservations_of_others_end(store: Store) -> None:
    kept = await store.reserve(entry("kept"), ANN, 30)
    assert await store.reserve(entry("gone"), BOB, 30) is not None
    await store.replace([entry("kept"), entry("new", 5)])
    assert sorted(e.contact_id for e in await store.entries()) == ["kept", "new"]
    assert await store.reserve(entry("new", 5), ANN, 30) is None
    assert await store.reserve(entry("new", 5), BOB, 30) is not None
    assert kept is not None and await store.release(kept) is True


async def test_given_many_who_want_one_agent_at_once_then_exactly_one_gets_the_agent(store: Store) -> None:
    tokens = await asyncio.gather(*(store.reserve(entry(f"c{number}"), ANN, 30) for number in range(50)))
    assert sum(token is not None for token in tokens) == 1


async def test_given_an_agent_who_is_reserved_then_they_are_not_claimed(store: Store) -> None:
    token = await store.reserve(entry("one"), ANN, 30)
    assert token is not None
    assert await store.claim(ANN, 30) is False
    await store.release(token)
    assert await store.claim(ANN, 30) is True


# Several servers on one Redis


async def test_given_two_servers_then_neither_touches_the_others_line_nor_takes_its_agent(redis_url: str) -> None:
    ours = RedisStore(redis_url, server="a", prefix="two-servers:")
    theirs = RedisStore(redis_url, server="b", prefix="two-servers:")
    assert await ours.reserve(entry("ours"), ANN, 30) is not None
    await theirs.replace([entry("theirs")])
    assert sorted(e.contact_id for e in await theirs.entries()) == ["ours", "theirs"]
    assert await theirs.reserve(entry("theirs"), ANN, 30) is None
    await ours.replace([])
    assert [e.contact_id for e in await theirs.entries()] == ["theirs"]
    assert await theirs.reserve(entry("theirs"), ANN, 30) is not None
    await ours.close()
    await theirs.close()


async def test_given_an_agent_who_talks_then_no_other_server_reserves_them_until_they_are_let_go(
    redis_url: str,
) -> None:
    ours = RedisStore(redis_url, server="a", prefix="held:")
    theirs = RedisStore(redis_url, server="b", prefix="held:")
    token = await ours.reserve(entry("ours"), ANN, 30)
    assert token is not None
    await ours.hold(ANN, 30)
    await ours.release(token)
    await ours.remove(ContactId("ours"))
    assert await theirs.reserve(entry("theirs"), ANN, 30) is None
    await theirs.let_go(ANN)
    assert await theirs.reserve(entry("theirs"), ANN, 30) is None, "only who holds lets go"
    own = await ours.reserve(entry("next"), ANN, 30)
    assert own is not None, "what a server held when it died is not in its own way"
    await ours.release(own)
    await ours.hold(ANN, 30)
    await ours.let_go(ANN)
    assert await theirs.reserve(entry("theirs"), ANN, 30) is not None
    await ours.close()
    await theirs.close()


async def test_given_an_agent_who_is_claimed_then_no_other_server_reserves_or_claims_them(redis_url: str) -> None:
    ours = RedisStore(redis_url, server="a", prefix="claimed:")
    theirs = RedisStore(redis_url, server="b", prefix="claimed:")
    assert await ours.claim(ANN, 30) is True
    assert await theirs.reserve(entry("theirs"), ANN, 30) is None
    assert await theirs.claim(ANN, 30) is False
    await theirs.let_go(ANN)
    assert await ours.claim(ANN, 30) is True
    await ours.let_go(ANN)
    assert await theirs.claim(ANN, 0.05) is True
    async with asyncio.timeout(5):
        while not await ours.claim(ANN, 30):
            await asyncio.sleep(0.01)
    await ours.close()
    await theirs.close()


async def test_given_a_server_that_died_then_nothing_that_it_wrote_stays_for_ever(redis_url: str) -> None:
    store = RedisStore(redis_url, server="dies", prefix="dead-server:")
    await store.enqueue(entry("one"))
    assert await store.reserve(entry("two"), ANN, 30) is not None
    await store.replace([entry("one"), entry("two")])
    await store.close()
    redis = Redis.from_url(redis_url, decode_responses=True)
    keys = {key: await redis.ttl(key) for key in await redis.keys("dead-server:*")}
    await redis.aclose()
    for_all_servers = {"dead-server:servers", "dead-server:token"}
    assert for_all_servers < keys.keys()
    assert all(0 < seconds <= SERVER_LIVES_S for key, seconds in keys.items() if key not in for_all_servers), keys


async def test_given_no_redis_then_the_store_says_so(tmp_path: Path) -> None:
    store = RedisStore(f"unix://{tmp_path / 'nothing.sock'}")
    with pytest.raises(StoreError):
        await store.reserve(entry("one"), ANN, 30)
    await store.close()


async def _until_reserved(store: Store, agent_id: AgentId) -> int:
    while True:
        token = await store.reserve(entry("one"), agent_id, 30)
        if token is not None:
            return token
        await asyncio.sleep(0.01)
