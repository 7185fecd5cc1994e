"""The ACD on a real Redis: while it hangs, when it is back, and after a crash of the server."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.store.redis_store import RedisStore
from switchroom.domain.call import CallState
from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.events import ContactAdopted, ContactQueued, OfferFailure, OfferMade, Reconciled
from switchroom.domain.ids import ContactId, QueueName
from tests.fakes.clock import FakeClock
from tests.fixtures.acd_house import ANN, BOB, House
from tests.fixtures.redis import RedisServer
from tests.support.brands import SHOP


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


async def offers(house: House, count: int) -> list[tuple[str, str]]:
    """All offers, once there are ``count``."""
    async with asyncio.timeout(10):
        while len(house.of(OfferMade)) < count:
            await asyncio.sleep(0.01)
    return house.offers()


async def stored(redis: RedisServer, contact_ids: set[str]) -> None:
    """Wait until these wait, as other servers see it."""
    store = RedisStore(redis.url)
    async with asyncio.timeout(10):
        while {entry.contact_id for entry in await store.entries()} != contact_ids:
            await asyncio.sleep(0.01)
    await store.close()


async def test_given_a_redis_that_hangs_then_calls_are_offered_and_the_line_is_told_when_it_is_back(
    redis: RedisServer,
) -> None:
    house = House(RedisStore(redis.url), FakeClock())
    await house.open(ANN, BOB)
    await house.queue("one")
    await offers(house, 1)
    await stored(redis, {"one"})
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        await house.queue("two")
        await house.queue("three")
        assert await offers(house, 2) == [("one", ANN), ("two", BOB)]
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    await house.passes(6)
    await house.queue("four")
    await stored(redis, {"one", "two", "three", "four"})
    await house.acd.stop()


async def test_given_a_server_that_died_while_an_agent_talked_then_its_restart_gives_them_up_to_the_others(
    redis: RedisServer,
) -> None:
    died = RedisStore(redis.url, server="a")
    await died.hold(ANN, 180)
    await died.close()
    there = House(RedisStore(redis.url, server="b"), FakeClock())
    await there.open(ANN)
    await there.queue("one")
    await there.passes(2)
    assert there.offers() == []
    here = House(RedisStore(redis.url, server="a"), FakeClock())
    await here.open()
    async with asyncio.timeout(10):
        while there.offers() != [("one", ANN)]:
            await there.passes(1)
            await asyncio.sleep(0.02)
    await here.acd.stop()
    await there.acd.stop()


async def test_given_a_server_that_died_while_a_phone_rang_then_its_reservation_does_not_keep_the_caller_waiting(
    redis: RedisServer,
) -> None:
    before = House(RedisStore(redis.url), FakeClock())
    await before.open(ANN)
    await before.queue("one")
    await offers(before, 1)
    await before.acd.stop()

    house = House(RedisStore(redis.url), FakeClock())
    await house.open(BOB)
    now = house.clock.now()
    waiting = Waiting(Requirements(QueueName("returns"), {"lang:zh": 1}), now)
    house.bus.publish(
        ContactAdopted(
            at=now,
            contact_id=ContactId("one"),
            number="4008123123",
            caller="",
            brand=SHOP.name,
            entered_at=now,
            state=CallState.OFFERED,
            agent_id=ANN,
            waiting=waiting,
        )
    )
    house.bus.publish(Reconciled(at=now, live=frozenset({ContactId("one")})))
    await house.failed("one", ANN, OfferFailure.NO_ANSWER)
    assert await offers(house, 1) == [("one", BOB)]
    await house.acd.stop()


async def test_given_an_agent_who_talks_on_one_server_then_another_does_not_ring_them(redis: RedisServer) -> None:
    here = House(RedisStore(redis.url, server="a"), FakeClock())
    there = House(RedisStore(redis.url, server="b"), FakeClock())
    await here.open(ANN)
    await there.open(ANN)
    await here.queue("one")
    await offers(here, 1)
    await here.connected("one", ANN)
    other = RedisStore(redis.url, server="c")
    async with asyncio.timeout(10):
        while {entry.contact_id for entry in await other.entries()}:
            await asyncio.sleep(0.01)
    await there.queue("two")
    async with asyncio.timeout(10):
        while there.acd.queues()[0].waiting != 1 or not there.of(ContactQueued):
            await asyncio.sleep(0.01)
    await stored(redis, {"two"})
    for _ in range(5):  # it is tried again each second
        await there.passes(1)
        await stored(redis, {"two"})
    assert there.offers() == []
    await here.ended("one")
    await here.passes(30)
    async with asyncio.timeout(10):
        while there.offers() != [("two", ANN)]:
            await there.passes(1)
            await asyncio.sleep(0.02)
    await other.close()
    await here.acd.stop()
    await there.acd.stop()
