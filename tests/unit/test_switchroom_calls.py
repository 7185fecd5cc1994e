"""The live calls between softswitch, menus and ACD, and what reconciliation makes of a gap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier, Outcome, Requirements, Waiting
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.events import (
    ContactAdopted,
    ContactConnected,
    ContactEnded,
    ContactEntered,
    ContactQueued,
    ContactTransferred,
    CustomerIdentified,
    Event,
    OfferFailed,
    OfferFailure,
    PhoneChanged,
    PlaceChanged,
    Reconciled,
    SwitchLost,
    TalkEnded,
)
from switchroom.domain.ids import AgentId, ContactId, CustomerId, OfferId, QueueName
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.mailbox import Mailbox
from telephony.call import Call
from telephony.calls import Calls
from telephony.softswitch.port import AgentFailed, CallGone, LivePhase, SwitchError
from tests.fakes.bookings import FakeBookings
from tests.fakes.clock import FakeClock
from tests.fakes.fake_softswitch import OFFER, FakeSoftswitch, delivery
from tests.support.brands import BRANDS, SHOP
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time

E = TypeVar("E", bound=Event)

ANN = AgentId("1001")
FALLBACK = QueueName("general")
RETURNS = Requirements(QueueName("returns"), {"returns": 1}, CustomerTier.STANDARD)


class House:
    """Live calls on a fake softswitch; what they say is kept."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.switch = FakeSoftswitch(now=self.clock.now)
        self.bookings = FakeBookings()
        self.restart()

    def restart(self) -> None:
        """A new server, which knows nothing, at the same softswitch."""
        self.bus = Bus()
        self.seen: list[Event] = []
        self.bus.subscribe(Event, self.seen.append)
        self.bookings.follow(self.bus)
        self.calls = Calls(self.switch, self.bus, self.clock, self.bookings, FALLBACK, BRANDS)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.seen if isinstance(event, kind)]

    def state(self, contact_id: ContactId) -> CallState:
        return next(call.state for call in self.calls.live() if call.contact_id == contact_id)

    def identify(self, contact_id: ContactId) -> None:
        known = CustomerIdentified(
            at=self.clock.now(),
            contact_id=contact_id,
            customer_id=CustomerId("7"),
            tier=CustomerTier.GOLD,
            language="en-US",
        )
        self.bus.publish(known)

    @asynccontextmanager
    async def snapshot_on_its_way(self) -> AsyncIterator[None]:
        """The softswitch (again) tells what is live, and it arrives only after the ``with`` block."""
        switch = self.switch
        switch.snapshot_arrives.clear()
        switch.snapshot_taken.clear()
        if switch.connected:
            switch.come_up()
        else:
            await self.calls.start()
        await asyncio.wait_for(switch.snapshot_taken.wait(), 1)
        yield
        switch.snapshot_arrives.set()
        await settle()

    async def queued(self) -> ContactId:
        """A call that waits."""
        contact_id = self.switch.arrive("4008123123", "13800138000")
        self.identify(contact_id)
        await self.calls.claim(contact_id, 1)
        self.calls.flow_started(contact_id, "shop-400", "v1")
        await self.calls.queue(contact_id, RETURNS, {"order": "20260105"})
        self.switch.let_go(contact_id)
        self.calls.release(contact_id)
        return contact_id


@pytest.fixture
async def house() -> AsyncIterator[House]:
    found = House()
    await found.calls.start()
    await settle()
    yield found
    await found.calls.stop()


async def test_a_call_from_arrival_to_hang_up(house: House) -> None:
    house.switch.register(ANN, "answers")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.agent_hangs_up(contact_id)
    await settle()
    [ended] = house.of(ContactEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.CONNECTED, ANN)
    assert house.calls.live() == []
    assert [
        type(event) for event in house.seen if isinstance(event, ContactEntered | ContactQueued | ContactConnected)
    ] == [
        ContactEntered,
        ContactQueued,
        ContactConnected,
    ]


async def test_a_menu_learns_who_is_calling(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    caller = await house.calls.claim(contact_id, 1)
    assert (caller.customer_id, caller.tier, caller.language, caller.phone) == (
        "7",
        CustomerTier.GOLD,
        "en-US",
        "13800138000",
    )


async def test_given_media_that_overtakes_the_event_then_the_claim_waits_for_it(house: House) -> None:
    house.switch.connected = False  # the event is late: nothing is told while the fake is not connected
    contact_id = house.switch.arrive("4008123123", "13800138000")
    claim = asyncio.create_task(house.calls.claim(contact_id, 5))
    await settle()
    assert not claim.done()
    house.switch.come_up()
    await settle()
    house.identify(contact_id)
    assert (await claim).contact_id == contact_id


async def test_given_a_call_that_nobody_knows_then_it_cannot_be_claimed(house: House) -> None:
    with pytest.raises(UnknownContact):
        await house.calls.claim(ContactId("nobody"), 0.01)


async def test_given_a_call_in_other_hands_then_it_cannot_be_claimed_until_it_is_released(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    await house.calls.claim(contact_id, 1)
    with pytest.raises(UnknownContact):
        await house.calls.claim(contact_id, 0.01)
    house.calls.release(contact_id)
    assert (await house.calls.claim(contact_id, 1)).contact_id == contact_id


async def test_given_a_waiting_call_then_no_media_connection_can_claim_it(house: House) -> None:
    contact_id = await house.queued()
    with pytest.raises(UnknownContact):
        await house.calls.claim(contact_id, 0.01)


@pytest.mark.parametrize(("resolved", "outcome"), [(True, Outcome.SELF_SERVICE), (False, Outcome.ABANDONED)])
async def test_a_hang_up_in_the_menu_is_self_service_only_when_the_caller_was_served(
    house: House, resolved: bool, outcome: Outcome
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    if resolved:
        house.calls.resolved(contact_id)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [ended.outcome for ended in house.of(ContactEnded)] == [outcome]


async def test_given_the_menus_last_word_then_the_call_counts_as_served_only_when_the_caller_was(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    await house.calls.finish(contact_id)
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.ABANDONED]


async def test_given_a_served_caller_who_then_waits_and_leaves_then_it_is_abandoned(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    house.calls.resolved(contact_id)
    await house.calls.queue(contact_id, RETURNS, {})
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.ABANDONED]


async def test_given_no_answer_then_the_call_waits_again_with_the_same_place(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    place = house.of(ContactQueued)[0].enqueued_at
    await house.calls.connect(contact_id, delivery(ANN, 20))
    house.clock.advance(20)
    house.switch.fail(contact_id, OfferFailure.NO_ANSWER)
    await settle()
    assert [(e.agent_id, e.failure) for e in house.of(OfferFailed)] == [(ANN, OfferFailure.NO_ANSWER)]
    assert house.state(contact_id) is CallState.QUEUED
    [line] = (await house.switch.snapshot()).calls
    assert line.waiting is not None and line.waiting.enqueued_at == place


async def test_given_a_caller_who_leaves_while_it_rings_then_the_offer_fails_before_the_call_ends(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    house.switch.caller_hangs_up(contact_id)
    await settle()
    [failed, ended] = [event for event in house.seen if isinstance(event, OfferFailed | ContactEnded)]
    assert isinstance(failed, OfferFailed) and failed.failure is OfferFailure.CALLER_LEFT
    assert isinstance(ended, ContactEnded) and ended.outcome is Outcome.ABANDONED


async def test_given_a_softswitch_that_refuses_to_connect_then_the_call_waits_on(house: House) -> None:
    contact_id = await house.queued()
    house.switch.refuse["connect"] = SwitchError("no answer")
    await house.calls.connect(contact_id, delivery(ANN, 20))
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.SWITCH_FAILED]
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_a_caller_who_has_gone_then_there_is_no_call_to_connect(house: House) -> None:
    contact_id = await house.queued()
    house.switch.caller_hangs_up(contact_id)
    with pytest.raises(UnknownContact):
        await house.calls.connect(contact_id, delivery(ANN, 20))
    assert [ended.outcome for ended in house.of(ContactEnded)] == [Outcome.ABANDONED]


async def test_given_a_redirect_that_comes_too_late_then_no_agent_is_blamed_for_it(house: House) -> None:
    contact_id = await house.queued()
    house.switch.refuse["connect"] = CallGone("no such channel")
    await house.calls.connect(contact_id, delivery(ANN, 20))
    assert house.of(OfferFailed) == []
    house.switch.caller_hangs_up(contact_id)
    await settle()
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.CALLER_LEFT]


async def test_given_a_softswitch_that_does_not_answer_then_hanging_up_is_refused_in_words(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "")
    await settle()
    house.switch.refuse["hang_up"] = SwitchError("no answer")
    with pytest.raises(Refused, match="the call goes on"):
        await house.calls.talks.hang_up(contact_id)


# After a gap


async def test_given_a_restarted_server_then_waiting_ringing_and_talking_calls_are_taken_up(house: House) -> None:
    bob, joe = AgentId("1002"), AgentId("1003")
    house.switch.register(ANN, "answers")
    house.switch.register(bob, "rings")
    talking, ringing, waiting = [await house.queued() for _ in range(3)]
    await house.calls.connect(talking, delivery(ANN, 20))
    await house.calls.connect(ringing, delivery(bob, 20))
    await settle()
    place = house.of(ContactQueued)[2].enqueued_at
    house.clock.advance(42)
    await house.calls.stop()
    house.restart()
    await house.calls.start()
    await settle()

    assert {event.contact_id: (event.state, event.agent_id) for event in house.of(ContactAdopted)} == {
        talking: (CallState.CONNECTED, ANN),
        ringing: (CallState.OFFERED, bob),
        waiting: (CallState.QUEUED, None),
    }
    assert [event.contact_id for event in house.of(ContactConnected)] == [talking]
    assert [(event.contact_id, event.enqueued_at) for event in house.of(ContactQueued)] == [(waiting, place)]
    assert house.of(Reconciled)[-1].live == {talking, ringing, waiting}
    assert {event.extension for event in house.of(PhoneChanged)} >= {ANN, bob}

    house.switch.fail(ringing, OfferFailure.NO_ANSWER)
    await settle()
    assert house.state(ringing) is CallState.QUEUED
    assert joe not in {event.extension for event in house.of(PhoneChanged)}
    await house.calls.stop()


async def test_given_a_lost_connection_then_what_happened_meanwhile_is_caught_up_with(house: House) -> None:
    house.switch.register(ANN, "rings")
    gone, ringing, fallen = [await house.queued() for _ in range(2)] + [house.switch.arrive("4008123123", "")]
    await house.calls.connect(ringing, delivery(ANN, 20))
    await settle()
    house.switch.go_down()
    house.switch.caller_hangs_up(gone)
    house.switch.answer(ringing)
    place = Waiting(RETURNS, house.clock.now() + timedelta(seconds=5))
    house.switch.fall_back(fallen, place)
    assert len(house.of(SwitchLost)) == 1
    house.switch.come_up()
    await settle()
    assert [(event.contact_id, event.outcome) for event in house.of(ContactEnded)] == [(gone, Outcome.ABANDONED)]
    assert house.state(ringing) is CallState.CONNECTED
    assert house.state(fallen) is CallState.QUEUED
    assert house.of(ContactQueued)[-1].enqueued_at == place.enqueued_at


async def test_given_a_softswitch_that_crashed_then_its_callers_did_not_abandon_but_who_talked_was_served(
    house: House,
) -> None:
    house.switch.register(ANN, "answers")
    talking, waiting = await house.queued(), await house.queued()
    served = house.switch.arrive("4008123123", "")
    await settle()
    house.calls.resolved(served)
    await house.calls.connect(talking, delivery(ANN, 20))
    house.clock.advance(60)
    house.switch.crash()
    house.clock.advance(1)
    house.switch.come_up()
    await settle()
    assert {event.contact_id: event.outcome for event in house.of(ContactEnded)} == {
        talking: Outcome.CONNECTED,
        waiting: Outcome.SYSTEM_FAILED,
        served: Outcome.SELF_SERVICE,
    }


async def test_given_a_snapshot_that_fails_then_nothing_is_ended_by_mistake(house: House) -> None:
    contact_id = await house.queued()
    house.switch.refuse["snapshot"] = SwitchError("no answer")
    house.switch.come_up()
    await settle()
    assert house.of(ContactEnded) == []
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_a_caller_who_hangs_up_while_the_snapshot_is_on_its_way_then_no_ghost_is_taken_up(
    house: House,
) -> None:
    known, unknown = await house.queued(), await house.queued()
    await house.calls.stop()
    house.restart()
    async with house.snapshot_on_its_way():
        house.switch.caller_hangs_up(unknown)
    assert [call.contact_id for call in house.calls.live()] == [known]
    await house.calls.stop()


async def test_given_an_agent_who_is_rung_while_the_snapshot_is_on_its_way_then_the_offer_stands(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    async with house.snapshot_on_its_way():
        await house.calls.connect(contact_id, delivery(ANN, 20))
    assert house.of(OfferFailed) == []
    assert house.state(contact_id) is CallState.OFFERED


async def test_given_an_offer_whose_failure_was_not_told_then_the_next_snapshot_ends_it(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    house.switch.connected = False
    house.switch.fail(contact_id, OfferFailure.NO_ANSWER)
    house.switch.come_up()
    await settle()
    assert [event.failure for event in house.of(OfferFailed)] == [OfferFailure.SWITCH_FAILED]
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_two_offers_when_the_first_ones_failure_is_told_late_then_the_second_goes_on(house: House) -> None:
    bob = AgentId("1002")
    house.switch.register(bob, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(bob, 20))
    house.switch.tell(
        AgentFailed(contact_id=contact_id, offer_id=OfferId("o0"), agent_id=bob, failure=OfferFailure.NO_ANSWER)
    )
    await settle()
    assert house.state(contact_id) is CallState.OFFERED
    assert house.of(OfferFailed) == []


# Transfers


COMPLAINTS = QueueName("complaints")


async def talking(house: House) -> ContactId:
    house.switch.register(ANN, "answers")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    await settle()
    return contact_id


async def test_given_a_talk_when_it_is_transferred_then_the_caller_waits_again_with_what_is_known(house: House) -> None:
    contact_id = await talking(house)
    house.clock.advance(30)
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    [over] = house.of(TalkEnded)
    assert (over.agent_id, over.offer_id, over.at - over.began_at) == (ANN, OFFER, timedelta(seconds=30))
    [transferred] = house.of(ContactTransferred)
    assert (transferred.agent_id, transferred.queue) == (ANN, COMPLAINTS)
    first, second = house.of(ContactQueued)
    assert (second.requirements.queue, second.requirements.tier) == (COMPLAINTS, first.requirements.tier)
    assert second.enqueued_at == house.clock.now()
    kinds = [type(event) for event in house.seen]
    assert kinds[-3:] == [TalkEnded, ContactTransferred, ContactQueued]

    await house.calls.connect(contact_id, delivery(ANN, 20, OfferId("o2")))
    await settle()
    house.switch.agent_hangs_up(contact_id)
    await settle()
    [ended] = house.of(ContactEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.CONNECTED, ANN)
    assert [event.offer_id for event in house.of(TalkEnded)] == [OFFER, "o2"]


async def test_given_a_transfer_that_is_refused_then_they_talk_on(house: House) -> None:
    contact_id = await talking(house)
    house.switch.refuse["transfer"] = SwitchError("no answer")
    with pytest.raises(Refused):
        await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.refuse.clear()
    with pytest.raises(Refused):
        await house.calls.talks.transfer(contact_id, AgentId("1002"), COMPLAINTS)
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert house.state(contact_id) is CallState.QUEUED


async def test_given_a_transfer_that_was_not_answered_in_time_but_was_done_then_it_is_booked_as_one(
    house: House,
) -> None:
    contact_id = await talking(house)
    house.switch.unanswered = {"transfer"}
    with pytest.raises(Refused):
        await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert [event.queue for event in house.of(ContactTransferred)] == [COMPLAINTS]
    assert house.of(ContactQueued)[-1].requirements.queue == COMPLAINTS


async def test_given_a_transfer_whose_effect_was_not_heard_when_reconciled_then_it_is_caught_up_with(
    house: House,
) -> None:
    contact_id = await talking(house)
    house.switch.deaf = True
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert house.state(contact_id) is CallState.CONNECTED
    house.switch.deaf = False
    house.switch.come_up()
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    assert [event.queue for event in house.of(ContactTransferred)] == [COMPLAINTS]
    assert len(house.of(TalkEnded)) == 1


async def test_given_a_transfer_and_a_restarted_server_then_the_caller_waits_and_the_talk_is_told_once(
    house: House,
) -> None:
    contact_id = await talking(house)
    house.switch.deaf = True
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await house.calls.stop()
    house.switch.deaf = False
    house.restart()
    await house.calls.start()
    await settle()
    assert house.state(contact_id) is CallState.QUEUED
    assert house.of(ContactQueued)[-1].requirements.queue == COMPLAINTS
    assert [event.agent_id for event in house.of(TalkEnded)] == [ANN]
    await house.calls.stop()


async def test_given_a_caller_who_gave_up_after_a_transfer_while_no_server_was_there_then_it_is_booked_so(
    house: House,
) -> None:
    contact_id = await talking(house)
    await house.calls.stop()
    house.restart()
    house.clock.advance(5)
    place = Waiting(Requirements(COMPLAINTS), house.clock.now())
    house.switch.connected = True
    await house.switch.transfer(contact_id, place)
    house.clock.advance(5)
    house.switch.caller_hangs_up(contact_id)
    await house.calls.start()
    await settle()
    [ended] = house.of(ContactEnded)
    assert ended.outcome is Outcome.ABANDONED
    assert [event.requirements.queue for event in house.of(ContactQueued)] == [COMPLAINTS]
    assert len(house.of(ContactConnected)) == len(house.of(TalkEnded)) == 1
    await house.calls.stop()


async def test_given_a_talk_that_was_booked_before_the_server_died_then_it_is_not_told_again(house: House) -> None:
    contact_id = await talking(house)
    house.clock.advance(5)
    await house.calls.talks.transfer(contact_id, ANN, COMPLAINTS)
    await settle()
    assert len(house.of(TalkEnded)) == 1
    await house.calls.stop()
    house.restart()
    house.clock.advance(5)
    house.switch.caller_hangs_up(contact_id)
    await house.calls.start()
    await settle()
    [ended] = house.of(ContactEnded)
    assert (ended.outcome, ended.agent_id) == (Outcome.ABANDONED, None)
    assert house.of(ContactAdopted) == house.of(ContactConnected) == house.of(TalkEnded) == []
    await house.calls.stop()


# Callers whose place nobody knows


async def test_given_a_waiting_caller_whose_place_cannot_be_read_then_the_fallback_queue_takes_them(
    house: House,
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await settle()
    await house.calls.stop()
    house.restart()
    house.switch.fall_back(contact_id, None)
    await house.calls.start()
    await settle()
    [queued] = house.of(ContactQueued)
    assert (queued.requirements, queued.enqueued_at) == (Requirements(FALLBACK), house.clock.now())
    assert house.state(contact_id) is CallState.QUEUED
    await house.calls.stop()


@pytest.mark.parametrize("told", [True, False])
async def test_given_a_fallback_that_cannot_be_read_then_the_fallback_queue_takes_the_caller(
    house: House, told: bool
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    entered_at = house.clock.now()
    await settle()
    house.clock.advance(30)
    house.switch.connected = told
    house.switch.fall_back(contact_id, None)
    house.switch.come_up()
    await settle()
    [queued] = house.of(ContactQueued)
    assert (queued.requirements, queued.enqueued_at) == (Requirements(FALLBACK), entered_at)


async def test_given_a_known_customer_who_falls_back_then_their_tier_is_kept_on_the_channel_too(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    place = Waiting(Requirements(FALLBACK), house.clock.now())
    house.switch.fall_back(contact_id, place)
    await settle()
    [queued] = house.of(ContactQueued)
    assert (queued.requirements, queued.enqueued_at) == (
        Requirements(FALLBACK, tier=CustomerTier.GOLD),
        place.enqueued_at,
    )
    [line] = (await house.switch.snapshot()).calls
    assert line.waiting == Waiting(queued.requirements, place.enqueued_at)


async def test_given_a_caller_in_line_who_is_told_to_have_fallen_back_then_their_place_is_kept(house: House) -> None:
    contact_id = await house.queued()
    house.switch.commands.clear()
    house.switch.fall_back(contact_id, Waiting(Requirements(FALLBACK), house.clock.now()))
    await settle()
    assert [event.requirements for event in house.of(ContactQueued)] == [replace(RETURNS, tier=CustomerTier.GOLD)]
    assert [call.queue for call in house.calls.live()] == [RETURNS.queue]
    assert house.switch.commands == []


async def test_given_a_softswitch_that_does_not_take_the_tier_then_the_caller_is_in_line_with_it_all_the_same(
    house: House,
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    house.switch.refuse["wait"] = SwitchError("no answer")
    house.switch.fall_back(contact_id, Waiting(Requirements(FALLBACK), house.clock.now()))
    await settle()
    assert [event.requirements.tier for event in house.of(ContactQueued)] == [CustomerTier.GOLD]


async def test_given_a_menu_that_cannot_go_on_then_the_caller_waits_in_the_fallback_queue(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    await house.calls.claim(contact_id, 1)
    await house.calls.fall_back(contact_id, {})
    house.switch.let_go(contact_id)
    [queued] = house.of(ContactQueued)
    assert queued.requirements == Requirements(FALLBACK, tier=CustomerTier.GOLD)
    [line] = (await house.switch.snapshot()).calls
    assert (line.phase, line.waiting) == (LivePhase.WAITING, Waiting(queued.requirements, queued.enqueued_at))


async def test_given_a_call_that_nobody_knows_then_it_cannot_fall_back(house: House) -> None:
    with pytest.raises(UnknownContact):
        await house.calls.fall_back(ContactId("nobody"), {})


async def test_given_a_call_that_ended_while_its_place_was_written_then_it_is_not_put_in_line(house: House) -> None:
    mailbox = Mailbox(BackgroundTasks(), "call")
    call = Call(ContactId("1"), "4008123123", "", SHOP, house.clock.now(), mailbox, house.bus, house.clock)
    call.ended()
    call.queued(Waiting(RETURNS, house.clock.now()), {})
    assert [type(event) for event in house.seen if isinstance(event, ContactQueued | ContactEnded)] == [ContactEnded]


async def test_given_a_phone_that_is_told_again_then_only_its_changes_are_said(house: House) -> None:
    house.switch.register(ANN)
    house.switch.come_up()
    await settle()
    house.switch.come_up()
    await settle()
    house.switch.unregister(ANN)
    assert [event.registered for event in house.of(PhoneChanged) if event.extension == ANN] == [True, False]


async def test_given_talks_that_begin_and_end_unheard_then_they_are_booked_at_their_times(house: House) -> None:
    house.switch.register(ANN, "rings")
    contact_id = await house.queued()
    await house.calls.connect(contact_id, delivery(ANN, 20))
    await settle()
    house.switch.go_down()
    house.switch.answer(contact_id)
    answered_at = house.clock.now()
    house.clock.advance(7)
    house.switch.caller_hangs_up(contact_id)
    ended_at = house.clock.now()
    house.clock.advance(5)
    house.switch.come_up()
    await settle()
    [connected], [ended] = house.of(ContactConnected), house.of(ContactEnded)
    assert (connected.at, connected.agent_id) == (answered_at, ANN)
    assert (ended.at, ended.outcome, ended.agent_id) == (ended_at, Outcome.CONNECTED, ANN)
    assert await house.switch.past_calls() == ()  # booked, and forgotten


async def test_given_a_dead_server_when_calls_come_talk_and_go_then_the_next_one_books_each_once(house: House) -> None:
    house.switch.register(ANN, "rings")
    talked, left = await house.queued(), await house.queued()
    await house.calls.connect(talked, delivery(ANN, 20))
    await settle()
    await house.calls.stop()
    house.switch.answer(talked)
    house.clock.advance(3)
    house.switch.agent_hangs_up(talked)
    house.switch.caller_hangs_up(left)
    unseen = house.switch.arrive("4008123123", "")
    house.switch.caller_hangs_up(unseen)
    house.restart()
    await house.calls.start()
    await settle()
    assert {event.contact_id: event.outcome for event in house.of(ContactEnded)} == {
        talked: Outcome.CONNECTED,
        left: Outcome.ABANDONED,
        unseen: Outcome.SYSTEM_FAILED,
    }
    assert [event.contact_id for event in house.of(ContactConnected)] == [talked]
    assert [event.contact_id for event in house.of(ContactEntered)] == [unseen]
    before = len(house.seen)
    house.switch.come_up()
    await settle()
    assert [type(event) for event in house.seen[before:]] == [Reconciled]
    await house.calls.stop()


async def test_given_a_ledger_that_is_away_then_what_ended_unseen_is_booked_when_it_is_back(house: House) -> None:
    contact_id = await house.queued()
    await house.calls.stop()
    house.switch.caller_hangs_up(contact_id)
    house.restart()
    house.bookings.away = True
    await house.calls.start()
    await settle()
    assert house.of(ContactEnded) == []
    assert [event.live for event in house.of(Reconciled)] == [frozenset({contact_id})]
    house.bookings.away = False
    house.switch.come_up()
    await settle()
    assert [event.contact_id for event in house.of(ContactEnded)] == [contact_id]
    await house.calls.stop()


async def test_given_a_tier_that_is_learned_late_then_the_place_is_ranked_anew_with_the_time_waited(
    house: House,
) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.clock.advance(1.5)
    await house.calls.claim(contact_id, 1)
    await house.calls.queue(contact_id, RETURNS, {"order": "20260105"})
    [queued] = house.of(ContactQueued)
    assert queued.requirements.tier is CustomerTier.STANDARD
    house.clock.advance(4)
    house.identify(contact_id)
    await settle()
    [changed] = house.of(PlaceChanged)
    assert (changed.requirements, changed.enqueued_at) == (replace(RETURNS, tier=CustomerTier.GOLD), queued.enqueued_at)
    [line] = (await house.switch.snapshot()).calls
    assert line.waiting == Waiting(changed.requirements, queued.enqueued_at)
    assert line.collected == {"order": "20260105"}


async def test_given_a_menu_that_says_the_tier_then_the_customers_own_does_not_count(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.identify(contact_id)
    await house.calls.queue(contact_id, replace(RETURNS, tier_is_fixed=True), {})
    house.identify(contact_id)
    await settle()
    assert [event.requirements.tier for event in house.of(ContactQueued)] == [CustomerTier.STANDARD]
    assert house.of(PlaceChanged) == []


async def test_given_a_customer_who_is_known_while_the_place_is_written_then_their_tier_counts(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    house.clock.advance(1.5)
    house.switch.while_writing = lambda _: None if house.of(ContactQueued) else house.identify(contact_id)
    await house.calls.queue(contact_id, RETURNS, {})
    await settle()
    assert house.of(PlaceChanged)[-1].requirements.tier is CustomerTier.GOLD


async def test_given_a_tier_that_the_menu_fixed_then_a_restart_keeps_it(house: House) -> None:
    contact_id = house.switch.arrive("4008123123", "13800138000")
    await house.calls.queue(contact_id, replace(RETURNS, tier_is_fixed=True), {})
    house.switch.let_go(contact_id)
    await house.calls.stop()
    house.restart()
    await house.calls.start()
    await settle()
    house.identify(contact_id)
    await settle()
    assert house.of(PlaceChanged) == []
    await house.calls.stop()


async def test_given_a_caller_whom_the_menu_served_when_they_leave_a_dead_server_then_that_is_what_is_booked(
    house: House,
) -> None:
    leaves, stays = house.switch.arrive("4008123123", ""), house.switch.arrive("4008123123", "")
    await settle()
    for contact_id in (leaves, stays):
        house.calls.flow_started(contact_id, "shop-400", "v1")
        house.calls.resolved(contact_id)
    await settle()
    await house.calls.stop()
    house.switch.caller_hangs_up(leaves)
    house.restart()
    await house.calls.start()
    await settle()
    house.switch.caller_hangs_up(stays)
    await settle()
    assert {event.contact_id: event.outcome for event in house.of(ContactEnded)} == {
        leaves: Outcome.SELF_SERVICE,
        stays: Outcome.SELF_SERVICE,
    }
    await house.calls.stop()
