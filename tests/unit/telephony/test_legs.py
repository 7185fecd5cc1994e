"""Legs of a call: their states, and which are there."""

from datetime import UTC, datetime, timedelta

import pytest

from switchroom.domain.ids import AgentId, LegId, OfferId
from switchroom.domain.leg import TRANSITIONS, IllegalLegMove, Leg, LegMove, LegState, Party, move
from telephony.legs import Legs

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ANN, BOB = AgentId("1001"), AgentId("1002")


def leg(state: LegState) -> Leg:
    return Leg(id=LegId("o1"), party=Party.AGENT, since=NOON, state=state)


@pytest.mark.parametrize("state", LegState)
@pytest.mark.parametrize("what", LegMove)
def test_given_a_state_when_moved_then_the_table_decides_and_an_illegal_move_changes_nothing(
    state: LegState, what: LegMove
) -> None:
    before = leg(state)
    if what in TRANSITIONS[state]:
        assert move(before, what, NOON + timedelta(seconds=1)).state is TRANSITIONS[state][what]
    else:
        with pytest.raises(IllegalLegMove):
            move(before, what, NOON)
    assert before == leg(state)


def test_given_a_held_leg_when_resumed_then_it_is_up_since_its_answer() -> None:
    held = move(move(leg(LegState.RINGING), LegMove.ANSWERED, NOON), LegMove.HELD, NOON + timedelta(seconds=9))
    up = move(held, LegMove.RESUMED, NOON + timedelta(seconds=20))
    assert (up.state, up.since, up.up_at) == (LegState.UP, NOON + timedelta(seconds=20), NOON)


def test_given_agents_one_after_the_other_then_each_has_a_leg_of_its_own_until_it_is_gone() -> None:
    legs = Legs()
    legs.dial(OfferId("o1"), ANN, NOON)
    legs.move(OfferId("o1"), ANN, LegMove.ANSWERED, NOON + timedelta(seconds=3))
    assert legs.up_at(OfferId("o1")) == NOON + timedelta(seconds=3)
    legs.move(OfferId("o2"), BOB, LegMove.RANG, NOON + timedelta(seconds=30))
    assert [(one.agent_id, one.state) for one in legs] == [(ANN, LegState.UP), (BOB, LegState.RINGING)]
    legs.move(OfferId("o1"), ANN, LegMove.LEFT, NOON + timedelta(seconds=40))
    assert [one.agent_id for one in legs] == [BOB]
    assert legs.up_at(OfferId("o1")) is None
