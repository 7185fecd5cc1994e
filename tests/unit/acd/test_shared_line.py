"""The store that servers share: away, slow, or with another server's reservations in it."""

import asyncio

import pytest

from acd.core.line import QueueEntry
from acd.store.port import StoreError
from switchroom.domain.contact import CustomerTier
from switchroom.domain.events import AgentState, OfferFailure
from switchroom.domain.ids import AgentId
from tests.fakes.memory_store import MemoryStore
from tests.fixtures.acd_house import ANN, House
from tests.support.virtual_time import VirtualClock, settle

pytestmark = pytest.mark.virtual_time


async def test_given_the_store_is_out_of_reach_then_calls_are_offered_all_the_same() -> None:
    class Broken(MemoryStore):
        async def reserve(self, entry: QueueEntry, agent_id: AgentId, lease_s: float) -> int | None:
            raise StoreError("no answer")

    house = House(Broken(VirtualClock()))
    await house.open(ANN)
    await house.queue("one")
    assert house.offers() == [("one", ANN)]


async def test_given_another_server_holds_the_agent_then_the_offer_is_taken_back_and_tried_again(house: House) -> None:
    class Contended(MemoryStore):
        """Another server's reservations, as a shared store would have them."""

        taken = True

        async def reserve(self, entry: QueueEntry, agent_id: AgentId, lease_s: float) -> int | None:
            return None if self.taken else await super().reserve(entry, agent_id, lease_s)

    house = House(store := Contended(VirtualClock()))
    await house.open(ANN)
    await house.queue("one")
    assert house.offers() == []
    assert house.state(ANN) is AgentState.RESERVED
    store.taken = False
    await house.passes(1)
    await settle()
    assert house.offers() == [("one", ANN)]


async def test_given_a_store_that_fails_for_a_moment_then_the_line_is_served_and_told_anew_when_it_is_back() -> None:
    class Shaky(MemoryStore):
        """Fails while ``down``, and counts how often it is asked."""

        down, asked = False, 0

        def _check(self) -> None:
            self.asked += 1
            if self.down:
                raise StoreError("no answer")

        async def enqueue(self, entry: QueueEntry) -> None:
            self._check()
            await super().enqueue(entry)

        async def reserve(self, entry: QueueEntry, agent_id: AgentId, lease_s: float) -> int | None:
            self._check()
            return await super().reserve(entry, agent_id, lease_s)

    clock = VirtualClock()
    house = House(store := Shaky(clock), clock)
    await house.open(ANN)
    await settle()
    store.down, store.asked = True, 0
    await house.queue("one")
    await house.queue("two")
    await house.queue("three")
    assert house.offers() == [("one", ANN)]
    assert store.asked == 1, "it is left alone after the first failure"

    store.down = False
    await house.passes(6)
    await house.queue("four")
    assert sorted(entry.contact_id for entry in await store.entries()) == ["four", "one", "three", "two"]


async def test_given_a_tier_that_is_learned_while_the_store_reserves_then_the_offer_is_made_all_the_same() -> None:
    class Slow(MemoryStore):
        async def reserve(self, entry: QueueEntry, agent_id: AgentId, lease_s: float) -> int | None:
            await asyncio.sleep(0.05)
            return await super().reserve(entry, agent_id, lease_s)

    clock = VirtualClock()
    house = House(Slow(clock), clock)
    await house.open(ANN)
    await house.queue("one")
    await house.place_changed("one", CustomerTier.GOLD)
    await house.passes(0.1)
    assert house.offers() == [("one", ANN)]
    await house.failed("one", ANN, OfferFailure.CALLER_LEFT)
    await house.acd.stop()
