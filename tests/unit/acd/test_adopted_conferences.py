"""What is taken up after a restart when two agents have the caller: both stay what they were."""

import pytest

from switchroom.domain.call import CallState
from switchroom.domain.events import (
    AgentJoined,
    AgentState,
    AgentStateChanged,
    ConsultAnswered,
    ConsultStarted,
    ContactAdopted,
    Reconciled,
)
from switchroom.domain.ids import AgentId, ContactId, OfferId, QueueName
from tests.fixtures.acd_house import ANN, BOB, House
from tests.support.brands import SHOP

pytestmark = pytest.mark.virtual_time

ONE = ContactId("one")


async def restarted(house: House, second: AgentState) -> None:
    """Ann had the caller, and Bob was this in the same contact."""
    now = house.clock.now()
    await house.acd.start()
    house.acd.restore(
        [
            AgentStateChanged(at=now, agent_id=agent_id, state=state, contact_id=ONE, queue=QueueName("returns"))
            for agent_id, state in ((ANN, AgentState.BUSY), (BOB, second))
        ]
    )


async def adopted(house: House, state: CallState) -> None:
    """As telephony tells of a call that it finds with a second agent."""
    now = house.clock.now()
    house.bus.publish(
        ContactAdopted(
            at=now,
            contact_id=ONE,
            number="400",
            caller="",
            brand=SHOP.name,
            entered_at=now,
            state=state,
            agent_id=ANN,
            offer_id=OfferId("o1"),
            answered_at=now,
        )
    )
    await house.connected(ONE, ANN)
    if state is CallState.CONNECTED:
        return
    second = OfferId("o2")
    house.bus.publish(ConsultStarted(at=now, contact_id=ONE, agent_id=ANN, consulted=BOB, offer_id=second))
    if state is CallState.CONFERENCE:
        house.bus.publish(ConsultAnswered(at=now, contact_id=ONE, agent_id=ANN, consulted=BOB, offer_id=second))
        house.bus.publish(AgentJoined(at=now, contact_id=ONE, agent_id=BOB, offer_id=second))


def reconciled(house: House, *talking: AgentId) -> None:
    house.bus.publish(Reconciled(at=house.clock.now(), live=frozenset({ONE}), talking=dict.fromkeys(talking, ONE)))


@pytest.mark.parametrize(
    ("second", "found"),
    [(AgentState.BUSY, CallState.CONFERENCE), (AgentState.RESERVED, CallState.CONSULTING)],
)
async def test_given_two_agents_with_a_caller_when_the_server_is_restarted_then_neither_changes(
    house: House, second: AgentState, found: CallState
) -> None:
    await restarted(house, second)
    await adopted(house, found)
    reconciled(house, ANN, BOB)
    assert house.of(AgentStateChanged) == []
    assert (house.state(ANN), house.state(BOB)) == (AgentState.BUSY, second)


async def test_given_a_second_agent_who_left_unheard_when_the_server_is_restarted_then_they_write_up(
    house: House,
) -> None:
    await restarted(house, AgentState.BUSY)
    await adopted(house, CallState.CONNECTED)
    reconciled(house, ANN)
    assert (house.state(ANN), house.state(BOB)) == (AgentState.BUSY, AgentState.WRAP_UP)


async def test_given_a_contact_offered_to_one_that_another_has_taken_then_the_one_is_free_at_once(
    house: House,
) -> None:
    await house.open(ANN, BOB)
    await house.queue("one")
    assert house.offers() == [("one", ANN)]
    await house.connected("one", BOB)
    assert (house.state(ANN), house.state(BOB)) == (AgentState.AVAILABLE, AgentState.BUSY)
