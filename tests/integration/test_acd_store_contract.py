"""What any store must do, run against memory and a real Redis."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acd.routing import QueueEntry
from acd.store.memory import MemoryStore
from acd.store.port import Store, StoreError
from acd.store.redis_store import RedisStore
from switchroom.clock import SystemClock
from switchroom.domain.contact import Requirements, Tier, Waiting
from switchroom.domain.ids import AgentId, CallId, QueueName


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("redis")
    server = shutil.which("redis-server")
    assert server is not None, "redis-server is not installed: run script/setup"
    address = folder / "redis.sock"
    process = subprocess.Popen(
        [server, "--port", "0", "--unixsocket", str(address), "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_until_listening(address, process)
        yield f"unix://{address}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_listening(address: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(address))
                return
            except OSError:
                continue
    raise AssertionError("redis-server ended at once")


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


def entry(call_id: str, at_s: int = 0) -> QueueEntry:
    needs = Requirements(QueueName("returns"), {"returns": 1, "lang:zh": 1}, Tier.GOLD)
    came = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(seconds=at_s, milliseconds=123)
    return QueueEntry(CallId(call_id), Waiting(needs, came), came.timestamp() - 60)


ANN, BOB = AgentId("1001"), AgentId("1002")
ONE, TWO = CallId("one"), CallId("two")


async def test_what_waits_comes_back_as_it_was(store: Store) -> None:
    await store.enqueue(entry("one"))
    assert await store.entries() == [entry("one")]


async def test_given_a_contact_that_waits_when_it_is_enqueued_again_then_the_first_place_counts(store: Store) -> None:
    await store.enqueue(entry("one", 0))
    assert await store.enqueue(entry("one", 90)) == entry("one", 0)
    assert await store.entries() == [entry("one", 0)]


async def test_given_a_reserved_agent_then_no_other_contact_gets_the_agent(store: Store) -> None:
    await store.enqueue(entry("one"))
    await store.enqueue(entry("two"))
    assert await store.reserve(ANN, ONE, 30) is not None
    assert await store.reserve(ANN, TWO, 30) is None


async def test_given_a_reserved_contact_then_no_other_agent_gets_the_contact(store: Store) -> None:
    await store.enqueue(entry("one"))
    assert await store.reserve(ANN, ONE, 30) is not None
    assert await store.reserve(BOB, ONE, 30) is None


async def test_given_a_contact_that_left_then_it_cannot_be_reserved(store: Store) -> None:
    await store.enqueue(entry("one"))
    assert await store.remove(ONE) is True
    assert await store.remove(ONE) is False
    assert await store.reserve(ANN, ONE, 30) is None
    assert await store.entries() == []


async def test_given_a_released_reservation_then_both_are_free_and_the_token_rises(store: Store) -> None:
    await store.enqueue(entry("one"))
    first = await store.reserve(ANN, ONE, 30)
    assert first is not None and await store.release(first) is True
    assert await store.release(first) is False
    second = await store.reserve(ANN, ONE, 30)
    assert second is not None and second > first
    assert await store.entries() == [entry("one")]


async def test_given_a_late_release_then_the_newer_reservation_stands(store: Store) -> None:
    await store.enqueue(entry("one"))
    old = await store.reserve(ANN, ONE, 0.05)
    assert old is not None
    new = await _until_reserved(store, ANN, ONE)
    assert await store.release(old) is False
    assert await store.reserve(BOB, ONE, 30) is None
    assert await store.release(new) is True


async def test_given_a_contact_removed_while_reserved_then_the_agent_is_free(store: Store) -> None:
    await store.enqueue(entry("one"))
    await store.enqueue(entry("two"))
    assert await store.reserve(ANN, ONE, 30) is not None
    await store.remove(ONE)
    assert await store.reserve(ANN, TWO, 30) is not None


async def test_given_many_who_want_one_agent_at_once_then_exactly_one_gets_the_agent(store: Store) -> None:
    for number in range(50):
        await store.enqueue(entry(f"c{number}"))
    tokens = await asyncio.gather(*(store.reserve(ANN, CallId(f"c{number}"), 30) for number in range(50)))
    assert sum(token is not None for token in tokens) == 1


async def test_given_no_redis_then_the_store_says_so(tmp_path: Path) -> None:
    store = RedisStore(f"unix://{tmp_path / 'nothing.sock'}", timeout_s=0.5)
    with pytest.raises(StoreError):
        await store.reserve(ANN, ONE, 30)
    await store.close()


async def _until_reserved(store: Store, agent_id: AgentId, call_id: CallId) -> int:
    while True:
        token = await store.reserve(agent_id, call_id, 30)
        if token is not None:
            return token
        await asyncio.sleep(0.01)
