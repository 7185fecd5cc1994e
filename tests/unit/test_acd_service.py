"""The ACD as its neighbours see it: events in, events out."""

import asyncio
from datetime import timedelta

import pytest

from acd.core.line import QueueEntry
from acd.core.offering import MARGIN_S, RETRY_S
from acd.store.port import StoreError
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome, Requirements, Waiting
from switchroom.domain.errors import UnknownAgent
from switchroom.domain.events import (
    AgentState,
    AgentStateChanged,
    ConsultAnswered,
    ConsultEnded,
    ConsultEnding,
    ConsultEvent,
    ConsultStarted,
    ContactAdopted,
    NobodyOnDuty,
    OfferFailure,
    OfferMade,
    PhoneChanged,
    PlaceChanged,
    Reconciled,
    SwitchLost,
    TalkEnded,
)
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName
from tests.fakes.memory_store import MemoryStore
from tests.fixtures.acd_house import ANN, BOB, House
from tests.support.brands import SHOP
from tests.support.virtual_time import VirtualClock, settle

pytestmark = pytest.mark.virtual_time

TALKING = ContactId("talking")
LIVE = frozenset({TALKING, ContactId("one")})


@pytest.fixture
async def house() -> House:
    return House()


async def test_given_two_free_agents_then_the_one_with_more_skill_gets_the_call(house: House) -> None:
    await house.open(BOB, ANN)
    await house.queue("one")
    assert house.offers() == [("one", ANN)]
    assert house.state(ANN) is AgentState.RESERVED


async def test_given_no_agent_then_the_call_waits(house: House) -> None:
    await house.open()
    await house.queue("one")
    assert house.offers() == []
    assert house.acd.queues()[0].waiting == 1


async def test_given_an_agent_whose_phone_is_not_registered_then_it_is_not_rung(house: House) -> None:
    await house.open(ANN)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=False))
    await house.queue("one")
    assert house.offers() == []
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=True))
    await settle()
    assert house.offers() == [("one", ANN)]


async def test_given_an_ordinary_and_then_a_gold_caller_when_the_agent_is_free_then_gold_goes_first(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    await house.queue("ordinary")
    await house.passes(10)
    await house.queue("gold", CustomerTier.GOLD)
    await house.ended("talking")
    assert house.state(ANN) is AgentState.WRAP_UP
    await house.passes(30)
    await settle()
    assert house.offers() == [("talking", ANN), ("gold", ANN)]
    assert [offer.head_start_s for offer in house.of(OfferMade)] == [0.0, 60.0]


async def test_given_no_answer_then_the_agent_is_paused_and_the_caller_goes_on_in_its_old_place(
    house: House,
) -> None:
    await house.open(ANN)
    came = house.clock.now()
    await house.queue("one")
    await house.passes(20)
    await house.queue("two")
    await house.failed("one", ANN, OfferFailure.NO_ANSWER)
    assert house.state(ANN) is AgentState.PAUSED
    [line] = house.acd.queues()
    assert (line.waiting, line.oldest) == (2, came)

    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=True))
    await house.acd.set_state(BOB, "available", None)
    await settle()
    assert house.offers() == [("one", ANN), ("one", BOB)]


async def test_given_a_caller_who_leaves_while_it_rings_then_the_agent_gets_the_next_and_not_the_same(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.queue("two")
    await house.failed("one", ANN, OfferFailure.CALLER_LEFT)
    await house.ended("one", Outcome.ABANDONED)
    assert house.offers() == [("one", ANN), ("two", ANN)]


async def test_given_a_pause_asked_for_during_a_call_then_it_follows_the_wrap_up(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    view = await house.acd.set_state(ANN, "paused", "lunch")
    assert view.state is AgentState.BUSY
    await house.ended("one")
    assert house.state(ANN) is AgentState.WRAP_UP
    await house.passes(30)
    [ann] = [agent for agent in house.acd.agents() if agent.id == ANN]
    assert (ann.state, ann.reason) == (AgentState.PAUSED, "lunch")


async def test_given_wrap_up_when_the_agent_is_ready_sooner_then_the_timer_does_not_fire_later(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.connected("one", ANN)
    await house.ended("one")
    await house.acd.set_state(ANN, "available", None)
    await house.acd.set_state(ANN, "paused", "tea")
    await house.passes(60)
    assert house.state(ANN) is AgentState.PAUSED


async def test_given_the_switch_is_lost_then_nothing_is_offered_until_it_is_reconciled(house: House) -> None:
    await house.open(ANN)
    house.bus.publish(SwitchLost(at=house.clock.now()))
    await house.queue("one")
    assert house.offers() == []
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset({ContactId("one")})))
    await settle()
    assert house.offers() == [("one", ANN)]


async def test_given_a_call_that_ended_unseen_then_its_agent_and_its_place_are_free(house: House) -> None:
    await house.open(ANN)
    await house.queue("gone")
    await house.connected("gone", ANN)
    await house.queue("also-gone")
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset()))
    await settle()
    assert house.state(ANN) is AgentState.WRAP_UP
    assert [(line.waiting, line.oldest) for line in house.acd.queues()] == [(0, None)]


async def test_given_a_restart_while_a_phone_rings_then_a_missed_call_goes_on_with_its_old_place(house: House) -> None:
    came = house.clock.now() - timedelta(seconds=90)
    house.acd.restore(
        [AgentStateChanged(at=came, agent_id=ANN, state=AgentState.RESERVED, contact_id=ContactId("one"))]
    )
    await house.acd.start()
    waiting = Waiting(Requirements(QueueName("returns"), {"lang:zh": 1}), came)
    house.bus.publish(
        ContactAdopted(
            at=house.clock.now(),
            contact_id=ContactId("one"),
            number="4008123123",
            caller="",
            brand=SHOP.name,
            entered_at=came,
            state=CallState.OFFERED,
            agent_id=ANN,
            waiting=waiting,
        )
    )
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset({ContactId("one")})))
    await house.failed("one", ANN, OfferFailure.NO_ANSWER)
    [line] = house.acd.queues()
    assert (line.waiting, line.oldest) == (1, came)
    assert house.state(ANN) is AgentState.PAUSED


async def test_given_a_queue_that_does_not_exist_then_the_caller_waits_in_the_fallback_queue(house: House) -> None:
    await house.open(ANN)
    await house.queue("one", queue="nonsense")
    assert house.offers() == [("one", ANN)]


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


async def test_given_a_restart_while_the_phone_of_an_agent_rings_who_is_no_longer_known_then_the_caller_is_kept(
    house: House,
) -> None:
    await house.open(ANN)
    came = house.clock.now()
    house.bus.publish(
        ContactAdopted(
            at=came,
            contact_id=ContactId("one"),
            number="4008123123",
            caller="",
            brand=SHOP.name,
            entered_at=came,
            state=CallState.OFFERED,
            agent_id=AgentId("9999"),
            waiting=Waiting(Requirements(QueueName("returns"), {"lang:zh": 1}), came),
        )
    )
    await house.failed("one", AgentId("9999"), OfferFailure.NO_ANSWER)
    assert house.offers() == [("one", ANN)]


async def test_given_an_unknown_agent_then_setting_a_state_says_so(house: House) -> None:
    with pytest.raises(UnknownAgent):
        await house.acd.set_state(AgentId("9999"), "available", None)


# What is told late, or was given up here and went through all the same


async def test_given_an_offer_given_up_when_its_agent_answers_then_they_are_busy_and_whoever_was_next_is_free(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=False))
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)  # Asterisk did not say in time that it rings
    await house.passes(RETRY_S)
    await settle()
    assert house.offers() == [("one", ANN), ("one", BOB)]
    await house.connected("one", ANN)
    assert (house.state(ANN), house.state(BOB)) == (AgentState.BUSY, AgentState.AVAILABLE)
    await house.ended("one")
    assert house.state(ANN) is AgentState.WRAP_UP


async def test_given_an_agent_reserved_for_one_call_when_another_is_told_to_have_failed_then_they_are_not_blamed(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.failed("two", ANN, OfferFailure.NO_ANSWER)
    assert house.state(ANN) is AgentState.RESERVED


async def test_given_a_softswitch_that_refuses_every_ring_then_it_is_asked_again_with_pauses(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    for tries in range(1, 4):
        assert len(house.offers()) == tries
        await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
        assert len(house.offers()) == tries
        await house.passes(RETRY_S)
        await settle()


async def test_given_a_refused_ring_whose_agent_has_left_then_another_free_agent_gets_the_call(house: House) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    await house.acd.set_state(ANN, "logged_out", None)
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
    await house.passes(RETRY_S)
    await settle()
    assert house.offers() == [("one", ANN), ("one", BOB)]


async def test_given_an_agent_who_asks_for_a_pause_while_it_rings_when_the_caller_leaves_then_no_other_call_comes_first(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.queue("two")
    await house.acd.set_state(ANN, "paused", "lunch")
    await house.failed("one", ANN, OfferFailure.CALLER_LEFT)
    assert house.offers() == [("one", ANN)]
    assert house.state(ANN) is AgentState.PAUSED


async def test_given_a_refused_ring_that_rings_all_the_same_then_it_goes_on_and_is_not_offered_again(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
    now = house.clock.now()
    needs = Requirements(QueueName("returns"), {"lang:zh": 1}, CustomerTier.STANDARD)
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
            waiting=Waiting(needs, now),
        )
    )
    await house.passes(RETRY_S)
    await settle()
    assert house.offers() == [("one", ANN)]
    assert (house.state(ANN), house.state(BOB)) == (AgentState.RESERVED, AgentState.AVAILABLE)
    await house.connected("one", ANN)
    assert house.state(ANN) is AgentState.BUSY


async def test_given_an_agent_who_is_reserved_without_an_offer_then_the_reconciliation_frees_them(house: House) -> None:
    house.acd.restore(
        [AgentStateChanged(at=house.clock.now(), agent_id=ANN, state=AgentState.RESERVED, contact_id=ContactId("one"))]
    )
    await house.acd.start()
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(ANN), registered=True))
    await house.queue("one")
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset({ContactId("one")})))
    await settle()
    assert house.offers() == [("one", ANN)]


async def test_given_an_offer_of_which_nothing_is_heard_then_it_ends_by_itself(house: House) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.passes(20 + MARGIN_S)
    await settle()
    assert house.offers() == [("one", ANN)] * 2


async def test_given_a_refused_offer_when_the_agent_got_another_call_meanwhile_then_that_talk_goes_on(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("one")
    await house.failed("one", ANN, OfferFailure.SWITCH_FAILED)
    await house.connected("two", ANN)
    await house.passes(RETRY_S)
    await settle()
    assert house.state(ANN) is AgentState.BUSY
    assert [agent.contact_id for agent in house.acd.agents() if agent.id == ANN] == ["two"]


@pytest.mark.parametrize("seconds", [5, 300])
async def test_given_a_restart_then_the_wrap_up_is_that_of_the_queue(house: House, seconds: int) -> None:
    house.set_wrap_up(seconds)
    now = house.clock.now()
    house.acd.restore(
        [
            AgentStateChanged(
                at=now,
                agent_id=ANN,
                state=AgentState.BUSY,
                contact_id=ContactId("one"),
                queue=QueueName("returns"),
                requested=AgentState.LOGGED_OUT,
            )
        ]
    )
    await house.acd.start()
    adopted = ContactAdopted(
        at=now,
        contact_id=ContactId("one"),
        number="400",
        caller="",
        brand=SHOP.name,
        entered_at=now,
        state=CallState.CONNECTED,
        agent_id=ANN,
    )
    house.bus.publish(adopted)
    house.bus.publish(Reconciled(at=now, live=frozenset({ContactId("one")}), talking={ANN: ContactId("one")}))
    await house.ended("one")
    [agent] = [agent for agent in house.acd.agents() if agent.id == ANN]
    assert (agent.state, agent.until) == (AgentState.WRAP_UP, now + timedelta(seconds=seconds))
    await house.passes(seconds)
    assert house.state(ANN) is AgentState.LOGGED_OUT


async def test_given_a_tier_that_is_learned_while_waiting_then_the_contact_is_ranked_again(house: House) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    await house.queue("first")
    await house.passes(10)
    await house.queue("second")
    await house.place_changed("second", CustomerTier.GOLD)
    await house.ended("talking")
    await house.passes(30)
    await settle()
    assert house.offers()[1:] == [("second", ANN)]


async def test_given_nobody_on_duty_who_may_serve_then_it_is_told_at_once_and_the_contact_goes_to_the_fallback(
    house: House,
) -> None:
    await house.open(ANN)
    await house.acd.set_state(ANN, "paused", "lunch")
    came = house.clock.now()
    await house.queue("one", skill="cantonese")
    [told] = house.of(NobodyOnDuty)
    assert (told.contact_id, told.until) == ("one", came + timedelta(seconds=60))
    await house.passes(59)
    assert house.of(PlaceChanged) == []
    await house.passes(1)
    [moved] = house.of(PlaceChanged)
    assert (moved.requirements.skills, moved.enqueued_at, moved.why) == ({"returns": 1}, came, "nobody_on_duty")
    assert house.channels.required == {"one": moved.requirements}
    await house.acd.set_state(ANN, "available", None)
    await settle()
    assert house.offers() == [("one", ANN)]


async def test_given_an_agent_who_comes_or_goes_then_who_may_never_be_served_changes(house: House) -> None:
    await house.open()
    await house.queue("one")
    assert len(house.of(NobodyOnDuty)) == 1
    await house.acd.set_state(ANN, "paused", None)
    await settle()
    await house.passes(120)
    assert house.of(PlaceChanged) == []
    await house.acd.set_state(ANN, "logged_out", None)
    await settle()
    assert len(house.of(NobodyOnDuty)) == 2


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


async def test_given_an_agent_who_is_found_talking_while_reserved_for_another_then_that_one_goes_on_at_once(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("two")
    await house.connected("one", ANN)
    assert house.state(ANN) is AgentState.BUSY
    await house.acd.set_state(BOB, "available", None)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=True))
    await settle()
    assert house.offers()[-1] == ("two", BOB)


async def test_given_a_place_that_changes_then_the_limit_of_the_unserved_goes_on(house: House) -> None:
    await house.open(ANN)
    await house.queue("one", skill="cantonese")
    await house.passes(50)
    await house.place_changed("one", CustomerTier.GOLD)
    assert len(house.of(NobodyOnDuty)) == 1
    await house.passes(10)
    assert [event.why for event in house.of(PlaceChanged)] == ["tier_learned", "nobody_on_duty"]


# Agents who are consulted


def consult(house: House, kind: type[ConsultEvent], **more: object) -> None:
    event = kind(
        at=house.clock.now(),
        contact_id=ContactId("talking"),
        agent_id=ANN,
        consulted=BOB,
        offer_id=OfferId("c1"),
        **more,  # type: ignore[arg-type]
    )
    house.bus.publish(event)


async def test_given_a_free_agent_who_is_consulted_then_nobody_is_offered_to_them_until_it_is_over(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    house.bus.publish(PhoneChanged(at=house.clock.now(), extension=Extension(BOB), registered=True))
    await house.acd.set_state(BOB, "available", None)
    consult(house, ConsultStarted)
    assert house.state(BOB) is AgentState.RESERVED
    await house.queue("one")
    consult(house, ConsultAnswered)
    house.bus.publish(Reconciled(at=house.clock.now(), live=LIVE, talking=dict.fromkeys((ANN, BOB), TALKING)))
    await house.passes(30)
    assert house.state(BOB) is AgentState.BUSY
    assert house.offers() == [("talking", ANN)]
    consult(house, ConsultEnded, ending=ConsultEnding.RETURNED)
    assert house.state(BOB) is AgentState.WRAP_UP
    await house.passes(31)
    assert house.offers() == [("talking", ANN), ("one", BOB)]


async def test_given_a_question_that_was_not_answered_then_the_agent_is_what_they_were(house: House) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    for state, reason in (("paused", "lunch"), ("logged_out", None)):
        await house.acd.set_state(BOB, state, reason)  # type: ignore[arg-type]
        consult(house, ConsultStarted)
        assert house.state(BOB) is AgentState.RESERVED
        consult(house, ConsultEnded, ending=ConsultEnding.NO_ANSWER)
        view = house.acd.agent(BOB)
        assert view is not None and (view.state, view.reason) == (AgentState(state), reason)


async def test_given_a_consulted_agent_who_takes_over_then_they_have_the_contact_and_the_first_wraps_up(
    house: House,
) -> None:
    await house.open(ANN)
    await house.queue("talking")
    await house.connected("talking", ANN)
    consult(house, ConsultStarted)
    consult(house, ConsultAnswered)
    now = house.clock.now()
    house.bus.publish(TalkEnded(at=now, contact_id=TALKING, agent_id=ANN, offer_id=OfferId("o1"), began_at=now))
    consult(house, ConsultEnded, ending=ConsultEnding.HANDED_OVER)
    await house.connected("talking", BOB)
    assert (house.state(ANN), house.state(BOB)) == (AgentState.WRAP_UP, AgentState.BUSY)
    await house.ended("talking")
    assert house.state(BOB) is AgentState.WRAP_UP


async def test_given_a_consulted_agent_who_is_not_consulted_any_more_when_reconciled_then_they_are_free(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("talking")
    [(_, first)] = house.offers()
    await house.connected("talking", AgentId(first))
    other = BOB if first == ANN else ANN
    event = ConsultStarted(
        at=house.clock.now(),
        contact_id=TALKING,
        agent_id=AgentId(first),
        consulted=other,
        offer_id=OfferId("c1"),
    )
    house.bus.publish(event)
    assert house.state(other) is AgentState.RESERVED
    house.bus.publish(Reconciled(at=house.clock.now(), live=LIVE, talking={AgentId(first): TALKING}))
    assert house.state(other) is AgentState.AVAILABLE
