"""Talks as they are found in the softswitch after a gap: what was missed, as the events that would have told it."""

from collections.abc import Iterator

from switchroom.domain.call import TALKING, CallState
from telephony.call import Call
from telephony.softswitch.port import (
    AgentAnswered,
    AgentLeft,
    CallerHeld,
    CallerJoined,
    ConferenceBegan,
    ConsultBegan,
    ConsultOver,
    LiveCall,
    LivePhase,
    SwitchEvent,
)
from telephony.talking import consult_answered, tell_conference, tell_consult, tell_held


def take_up(call: Call, live: LiveCall) -> None:
    """Of a call that was adopted while an agent has it: on hold, in a consultation, or with a second agent."""
    if live.phase is LivePhase.HELD:
        tell_held(call)
    if live.second is None or live.phase not in (LivePhase.CONSULTING, LivePhase.CONFERENCE):
        return
    tell_consult(call, live.second.offer_id, live.second.agent_id)
    if live.second.answered:
        consult_answered(call)
    if live.phase is LivePhase.CONFERENCE:
        tell_conference(call, live.second.joined_at)


def talk_caught_up(call: Call, live: LiveCall) -> Iterator[SwitchEvent]:
    """What leads from the call as it is known to what was found; nothing if that is the same."""
    if live.agent_id is None or live.offer_id is None:
        return
    contact_id = call.contact_id
    if call.state not in TALKING:
        yield AgentAnswered(contact_id=contact_id, offer_id=live.offer_id, agent_id=live.agent_id, at=live.answered_at)
    yield from _left(call, live)
    second = call.second if call.state is CallState.CONSULTING else None
    found = live.second.offer_id if live.second is not None else live.offer_id  # perhaps as the caller's agent
    if second is not None and found != second.offer_id:
        yield ConsultOver(contact_id=contact_id, offer_id=second.offer_id, agent_id=second.agent_id)
    if live.phase is LivePhase.TALKING and call.state in (CallState.HELD, CallState.CONSULTING):
        yield CallerJoined(contact_id=contact_id, offer_id=live.offer_id, agent_id=live.agent_id)
    elif live.phase is LivePhase.HELD:
        if call.state is CallState.CONSULTING:
            yield CallerJoined(contact_id=contact_id, offer_id=live.offer_id, agent_id=live.agent_id)
        if call.state is not CallState.HELD:
            yield CallerHeld(contact_id=contact_id)
    elif live.second is not None:
        yield from _second(call, live)


def _left(call: Call, live: LiveCall) -> Iterator[AgentLeft]:
    """Talks that are over, of agents who had the caller."""
    mine = {call.offer_id, call.second.offer_id if call.second is not None else None}
    for talk in live.talks:
        if talk.offer_id is not None and talk.offer_id in mine:
            yield AgentLeft(
                contact_id=call.contact_id, offer_id=talk.offer_id, agent_id=talk.agent_id, at=talk.ended_at
            )


def _second(call: Call, live: LiveCall) -> Iterator[SwitchEvent]:
    second = live.second
    assert second is not None
    contact_id, offer_id, agent_id = call.contact_id, second.offer_id, second.agent_id
    if call.state in (CallState.CONNECTED, CallState.HELD):
        yield ConsultBegan(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id)
    if second.answered:
        yield AgentAnswered(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id)
    if live.phase is LivePhase.CONFERENCE:
        yield ConferenceBegan(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id)
