"""A caller is offered to an agent: no answer, a refusal, a caller who leaves, words that come late."""

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome
from switchroom.domain.errors import UnknownContact
from switchroom.domain.events import ContactEnded, ContactQueued, OfferFailed, OfferFailure
from switchroom.domain.ids import AgentId, OfferId
from telephony.softswitch.port import AgentFailed, CallGone, SwitchError
from tests.fakes.fake_softswitch import delivery
from tests.fixtures.calls_house import ANN, House
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


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
