"""The live calls between softswitch, menus and ACD, and what reconciliation makes of a gap."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from switchroom.bus import Bus
from switchroom.calls import Calls
from switchroom.domain.call import CallState, Outcome
from switchroom.domain.contact import Requirements, Tier, Waiting
from switchroom.domain.errors import Refused, UnknownCall
from switchroom.domain.events import (
    CallAdopted,
    CallConnected,
    CallEnded,
    CallEntered,
    CallQueued,
    CustomerIdentified,
    Event,
    OfferFailed,
    OfferFailure,
    PhoneChanged,
    Reconciled,
    SwitchLost,
)
from switchroom.domain.ids import AgentId, CallId, CustomerId, QueueName
from switchroom.softswitch.port import AgentFailed, Snapshot, SwitchError
from tests.fakes.clock import FakeClock
from tests.fakes.fake_softswitch import FakeSoftswitch

E = TypeVar("E", bound=Event)

ANN = AgentId("1001")
RETURNS = Requirements(QueueName("returns"), {"returns": 1}, Tier.STANDARD)


class House:
    """Live calls on a fake softswitch; what they say is kept."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.switch = FakeSoftswitch(now=self.clock.now)
        self.restart()

    def restart(self) -> None:
        """A new server, which knows nothing, at the same softswitch."""
        self.bus = Bus()
        self.seen: list[Event] = []
        self.bus.subscribe(Event, self.seen.append)
        self.calls = Calls(self.switch, self.bus, self.clock)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.seen if isinstance(event, kind)]

    def state(self, call_id: CallId) -> CallState:
        return next(call.state for call in self.calls.live() if call.call_id == call_id)

    def identify(self, call_id: CallId) -> None:
        known = CustomerIdentified(
            at=self.clock.now(), call_id=call_id, customer_id=CustomerId(7), tier=Tier.GOLD, language="en-US"
        )
        self.bus.publish(known)

    async def queued(self) -> CallId:
        """A call that waits."""
        call_id = self.switch.arrive("4008123123", "13800138000")
        self.identify(call_id)
        await self.calls.claim(call_id, 1)
        self.calls.flow_started(call_id, "shop-400", "v1")
        await self.calls.queue(call_id, RETURNS, {"order": "20260105"})
        self.switch.let_go(call_id)
        self.calls.release(call_id)
        return call_id


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    found = House()
    await found.calls.start()
    await settle()
    yield found
    await found.calls.stop()


async def test_a_call_from_arrival_to_hang_up(house: House) -> None:
    house.switch.register(ANN, "answers")
    call_id = await house.queued()
    await house.calls.connect(call_id, ANN, 20)
    await settle()
    assert house.state(call_id) is CallState.CONNECTED
    house.switch.agent_hangs_up(call_id)
    await settle()
    [ended] = house.of(CallEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.CONNECTED, ANN)
    assert house.calls.live() == []
    assert [type(event) for event in house.seen if isinstance(event, CallEntered | CallQueued | CallConnected)] == [
        CallEntered,
        CallQueued,
        CallConnected,
    ]


async def test_a_menu_learns_who_is_calling(house: House) -> None:
    call_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(call_id)
    caller = await house.calls.claim(call_id, 1)
    assert (caller.customer_id, caller.tier, caller.language, caller.phone) == (7, Tier.GOLD, "en-US", "13800138000")


async def test_given_media_that_overtakes_the_event_then_the_claim_waits_for_it(house: House) -> None:
    house.switch.connected = False  # the event is late: nothing is told while the fake is not connected
    call_id = house.switch.arrive("4008123123", "13800138000")
    claim = asyncio.create_task(house.calls.claim(call_id, 5))
    await settle()
    assert not claim.done()
    house.switch.come_up()
    await settle()
    house.identify(call_id)
    assert (await claim).call_id == call_id


async def test_given_a_call_that_nobody_knows_then_it_cannot_be_claimed(house: House) -> None:
    with pytest.raises(UnknownCall):
        await house.calls.claim(CallId("nobody"), 0.01)


async def test_given_a_call_in_other_hands_then_it_cannot_be_claimed_until_it_is_released(house: House) -> None:
    call_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(call_id)
    await house.calls.claim(call_id, 1)
    with pytest.raises(UnknownCall):
        await house.calls.claim(call_id, 0.01)
    house.calls.release(call_id)
    assert (await house.calls.claim(call_id, 1)).call_id == call_id


async def test_given_a_waiting_call_then_no_media_connection_can_claim_it(house: House) -> None:
    call_id = await house.queued()
    with pytest.raises(UnknownCall):
        await house.calls.claim(call_id, 0.01)


@pytest.mark.parametrize(("resolved", "outcome"), [(True, Outcome.SELF_SERVICE), (False, Outcome.ABANDONED)])
async def test_a_hang_up_in_the_menu_is_self_service_only_when_the_caller_was_served(
    house: House, resolved: bool, outcome: Outcome
) -> None:
    call_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    if resolved:
        house.calls.resolved(call_id)
    house.switch.caller_hangs_up(call_id)
    await settle()
    assert [ended.outcome for ended in house.of(CallEnded)] == [outcome]


async def test_given_a_served_caller_who_then_waits_and_leaves_then_it_is_abandoned(house: House) -> None:
    call_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    house.calls.resolved(call_id)
    await house.calls.queue(call_id, RETURNS, {})
    house.switch.caller_hangs_up(call_id)
    await settle()
    assert [ended.outcome for ended in house.of(CallEnded)] == [Outcome.ABANDONED]


async def test_given_no_answer_then_the_call_waits_again_with_the_same_place(house: House) -> None:
    house.switch.register(ANN, "rings")
    call_id = await house.queued()
    place = house.of(CallQueued)[0].enqueued_at
    await house.calls.connect(call_id, ANN, 20)
    house.clock.advance(20)
    house.switch.fail(call_id, OfferFailure.NO_ANSWER)
    await settle()
    assert [(e.agent_id, e.failure) for e in house.of(OfferFailed)] == [(ANN, OfferFailure.NO_ANSWER)]
    assert house.state(call_id) is CallState.QUEUED
    [line] = (await house.switch.snapshot()).calls
    assert line.waiting is not None and line.waiting.enqueued_at == place


async def test_given_a_caller_who_leaves_while_it_rings_then_the_offer_fails_before_the_call_ends(house: House) -> None:
    house.switch.register(ANN, "rings")
    call_id = await house.queued()
    await house.calls.connect(call_id, ANN, 20)
    house.switch.caller_hangs_up(call_id)
    await settle()
    [failed, ended] = [event for event in house.seen if isinstance(event, OfferFailed | CallEnded)]
    assert isinstance(failed, OfferFailed) and failed.failure is OfferFailure.CALLER_LEFT
    assert isinstance(ended, CallEnded) and ended.outcome is Outcome.ABANDONED


async def test_given_a_softswitch_that_refuses_to_connect_then_the_call_waits_on(house: House) -> None:
    call_id = await house.queued()
    house.switch.refuse["connect"] = SwitchError("no answer")
    await house.calls.connect(call_id, ANN, 20)
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.SWITCH_FAILED]
    assert house.state(call_id) is CallState.QUEUED


async def test_given_a_caller_who_has_just_gone_then_connecting_is_no_error(house: House) -> None:
    call_id = await house.queued()
    house.switch.caller_hangs_up(call_id)
    with pytest.raises(UnknownCall):
        await house.calls.connect(call_id, ANN, 20)
        await settle()
        await house.calls.connect(call_id, ANN, 20)
    assert [ended.outcome for ended in house.of(CallEnded)] == [Outcome.ABANDONED]


async def test_given_a_softswitch_that_does_not_answer_then_hanging_up_is_refused_in_words(house: House) -> None:
    call_id = house.switch.arrive("4008123123", "")
    await settle()
    house.switch.refuse["hang_up"] = SwitchError("no answer")
    with pytest.raises(Refused, match="the call goes on"):
        await house.calls.hang_up(call_id)


# After a gap


async def test_given_a_restarted_server_then_waiting_ringing_and_talking_calls_are_taken_up(house: House) -> None:
    bob, joe = AgentId("1002"), AgentId("1003")
    house.switch.register(ANN, "answers")
    house.switch.register(bob, "rings")
    talking, ringing, waiting = [await house.queued() for _ in range(3)]
    await house.calls.connect(talking, ANN, 20)
    await house.calls.connect(ringing, bob, 20)
    await settle()
    place = house.of(CallQueued)[2].enqueued_at
    house.clock.advance(42)
    await house.calls.stop()
    house.restart()
    await house.calls.start()
    await settle()

    assert {event.call_id: (event.state, event.agent_id) for event in house.of(CallAdopted)} == {
        talking: (CallState.CONNECTED, ANN),
        ringing: (CallState.RINGING, bob),
        waiting: (CallState.QUEUED, None),
    }
    assert [event.call_id for event in house.of(CallConnected)] == [talking]
    assert [(event.call_id, event.enqueued_at) for event in house.of(CallQueued)] == [(waiting, place)]
    assert house.of(Reconciled)[-1].live == {talking, ringing, waiting}
    assert {event.agent_id for event in house.of(PhoneChanged)} >= {ANN, bob}

    house.switch.fail(ringing, OfferFailure.NO_ANSWER)
    await settle()
    assert house.state(ringing) is CallState.QUEUED
    assert joe not in {event.agent_id for event in house.of(PhoneChanged)}
    await house.calls.stop()


async def test_given_a_lost_connection_then_what_happened_meanwhile_is_caught_up_with(house: House) -> None:
    house.switch.register(ANN, "rings")
    gone, ringing, fallen = [await house.queued() for _ in range(2)] + [house.switch.arrive("4008123123", "")]
    await house.calls.connect(ringing, ANN, 20)
    await settle()
    house.switch.go_down()
    house.switch.caller_hangs_up(gone)
    house.switch.answer(ringing)
    place = Waiting(RETURNS, house.clock.now() + timedelta(seconds=5))
    house.switch.fall_back(fallen, place)
    assert len(house.of(SwitchLost)) == 1
    house.switch.come_up()
    await settle()
    assert [(event.call_id, event.outcome) for event in house.of(CallEnded)] == [(gone, Outcome.ABANDONED)]
    assert house.state(ringing) is CallState.CONNECTED
    assert house.state(fallen) is CallState.QUEUED
    assert house.of(CallQueued)[-1].enqueued_at == place.enqueued_at


async def test_given_a_snapshot_that_fails_then_nothing_is_ended_by_mistake(house: House) -> None:
    call_id = await house.queued()
    house.switch.refuse["snapshot"] = SwitchError("no answer")
    house.switch.come_up()
    await settle()
    assert house.of(CallEnded) == []
    assert house.state(call_id) is CallState.QUEUED


class SlowSnapshot(FakeSoftswitch):
    """Its snapshot is on its way while things happen."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.asked, self.arrives = asyncio.Event(), asyncio.Event()
        self.arrives.set()

    async def snapshot(self) -> Snapshot:
        found = await super().snapshot()
        self.asked.set()
        await self.arrives.wait()
        return found


async def test_given_a_caller_who_hangs_up_while_the_snapshot_is_on_its_way_then_no_ghost_is_taken_up() -> None:
    house = House()
    switch = house.switch = SlowSnapshot(now=house.clock.now)
    house.restart()
    await house.calls.start()
    known, unknown = await house.queued(), await house.queued()
    await house.calls.stop()
    house.restart()
    switch.arrives.clear()
    switch.asked.clear()
    await house.calls.start()
    await asyncio.wait_for(switch.asked.wait(), 1)
    switch.caller_hangs_up(unknown)
    switch.arrives.set()
    await settle()
    assert [call.call_id for call in house.calls.live()] == [known]
    await house.calls.stop()


async def test_given_two_offers_when_the_first_ones_failure_is_told_late_then_the_second_goes_on(house: House) -> None:
    bob = AgentId("1002")
    house.switch.register(bob, "rings")
    call_id = await house.queued()
    await house.calls.connect(call_id, bob, 20)
    house.switch._tell(AgentFailed(call_id=call_id, agent_id=ANN, failure=OfferFailure.NO_ANSWER))
    await settle()
    assert house.state(call_id) is CallState.RINGING
    assert house.of(OfferFailed) == []
