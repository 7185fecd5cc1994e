"""What the ACD makes of a lost softswitch and of its own restart: agents and places are what they were."""

from datetime import timedelta

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.events import (
    AgentState,
    AgentStateChanged,
    ContactAdopted,
    OfferFailure,
    PhoneChanged,
    Reconciled,
    SwitchLost,
)
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName
from tests.fixtures.acd_house import ANN, House
from tests.support.brands import SHOP
from tests.support.virtual_time import settle

pytestmark = pytest.mark.virtual_time


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
