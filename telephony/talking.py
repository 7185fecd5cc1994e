"""What happens between a caller and the agents who have the call: who talks, who hears music, who leaves.

Each function takes what the softswitch has told, moves the call and its legs, and says it on the bus.
"""

from datetime import datetime

from switchroom.domain.call import TALKING, CallState, Move
from switchroom.domain.contact import Talk, Waiting
from switchroom.domain.events import (
    AgentJoined,
    ConsultAnswered,
    ConsultEnded,
    ConsultEnding,
    ConsultStarted,
    ContactConnected,
    ContactHeld,
    ContactResumed,
    ContactTransferred,
    OfferFailure,
    TalkEnded,
)
from switchroom.domain.ids import AgentId, OfferId
from switchroom.domain.leg import LegMove, Party
from telephony.call import Call
from telephony.legs import Consulted

_ENDINGS = {
    OfferFailure.NO_ANSWER: ConsultEnding.NO_ANSWER,
    OfferFailure.BUSY: ConsultEnding.BUSY,
    OfferFailure.UNREACHABLE: ConsultEnding.UNREACHABLE,
    OfferFailure.CALLER_LEFT: ConsultEnding.RETURNED,
    OfferFailure.SWITCH_FAILED: ConsultEnding.SWITCH_FAILED,
}
"""Of a consultation that was not answered, by the failure: its caller is the agent, who did not wait."""


def answered(call: Call, agent_id: AgentId, offer_id: OfferId | None, at: datetime | None = None) -> None:
    """Agent and caller talk, since ``at`` (now, unless it is told late)."""
    if call.state in TALKING:
        return
    call.agent_id, call.offer_id = agent_id, offer_id
    call.move(Move.ANSWERED)
    tell_connected(call, at)


def tell_connected(call: Call, at: datetime | None = None) -> None:
    assert call.agent_id is not None
    at = at or call.now()
    if call.offer_id is not None:
        call.legs.move(call.offer_id, call.agent_id, LegMove.ANSWERED, at)
        call.talks_began[call.offer_id] = at
    call.publish(ContactConnected(at=at, contact_id=call.contact_id, agent_id=call.agent_id, offer_id=call.offer_id))


def talk_ended(call: Call, talk: Talk) -> None:
    """Agent and caller talk no more; told once for each talk."""
    assert talk.offer_id is not None and talk.ended_at is not None
    if has_ended_talk(call, talk.offer_id):
        return
    call.talks_told.add(talk.offer_id)
    call.legs.move(talk.offer_id, talk.agent_id, LegMove.LEFT, talk.ended_at)
    call.publish(
        TalkEnded(
            at=talk.ended_at,
            contact_id=call.contact_id,
            agent_id=talk.agent_id,
            offer_id=talk.offer_id,
            began_at=talk.began_at,
        )
    )


def found_past(call: Call, talk: Talk, *, waited_again: Waiting | None, transferred: bool, was_told: bool) -> None:
    """A talk of a call that is over, from the softswitch's journal; ``was_told``: its end was heard at the time.

    After the last talk the caller may have waited again, in another place if ``transferred``.
    """
    assert talk.offer_id is not None
    if was_told:
        call.state = CallState.QUEUED if waited_again else CallState.CONNECTED
        call.agent_id, call.offer_id, call.waiting = None if waited_again else talk.agent_id, None, waited_again
        return
    call.adopted(CallState.CONNECTED, talk.agent_id, talk.offer_id, None, talk.began_at)
    tell_connected(call, talk.began_at)
    if transferred:
        call.transfer_to = waited_again
    agent_left(call, talk.offer_id, talk.agent_id, talk.ended_at, waited_again)


def has_ended_talk(call: Call, offer_id: OfferId) -> bool:
    """Whether the end of the talk that this offer brought was told."""
    return offer_id in call.talks_told


def agent_left(
    call: Call, offer_id: OfferId, agent_id: AgentId, at: datetime | None = None, place: Waiting | None = None
) -> bool:
    """The talk is over; the caller waits again in ``place``, if there is one. Whether the call goes on."""
    at = at or call.now()
    if call.state is CallState.CONSULTING and call.second is not None and offer_id == call.second.offer_id:
        if call.offer_id not in call.talks_told:
            consult_over(call, ConsultEnding.CONSULTED_LEFT)
            return True  # while a conference began: the caller goes back to the agent
        joined(call, offer_id, agent_id)  # had taken the caller over, unheard
    began_at = call.talks_began.get(offer_id) or call.legs.up_at(offer_id) or at
    talk_ended(call, Talk(agent_id=agent_id, offer_id=offer_id, began_at=began_at, ended_at=at))
    if call.state is CallState.CONFERENCE:
        return _left_conference(call, offer_id)
    if offer_id != call.offer_id or call.state not in TALKING:
        return True  # told late
    if place is None:
        # Out of a consultation the caller is handed over, or leaves, as is told next.
        return call.state is CallState.CONSULTING
    consult_over(call, ConsultEnding.AGENT_LEFT)
    _caller_hears(call, LegMove.RESUMED, at)
    transferred = place == call.transfer_to  # else it is the old place: the agent's phone is gone
    call.agent_id, call.offer_id, call.waiting, call.transfer_to = None, None, place, None
    call.move(Move.BACK_IN_LINE)
    if transferred:
        queue = place.requirements.queue
        call.publish(ContactTransferred(at=at, contact_id=call.contact_id, agent_id=agent_id, queue=queue))
    call.tell_waiting({})
    return True


def _left_conference(call: Call, offer_id: OfferId) -> bool:
    """One of the two agents; the caller talks on with the other."""
    second = call.second
    if second is None or offer_id not in (call.offer_id, second.offer_id):
        return True
    if offer_id == call.offer_id:
        call.agent_id, call.offer_id = second.agent_id, second.offer_id
        call.legs.take_over(second.offer_id)
    call.second = None
    call.move(Move.TALK_RESUMED)
    if offer_id != second.offer_id:
        call.publish(
            ContactConnected(
                at=call.now(), contact_id=call.contact_id, agent_id=second.agent_id, offer_id=second.offer_id
            )
        )
    return True


def held(call: Call) -> None:
    if call.state is not CallState.CONNECTED or call.agent_id is None:
        return
    call.move(Move.HELD)
    tell_held(call)


def tell_held(call: Call) -> None:
    assert call.agent_id is not None
    _caller_hears(call, LegMove.HELD)
    call.publish(ContactHeld(at=call.now(), contact_id=call.contact_id, agent_id=call.agent_id))


def consulted_leg_told(call: Call, offer_id: OfferId) -> None:
    """Something is told of a leg: of a consulted agent's it may be the first, for the caller's tells by itself."""
    if call.wanted is not None and call.wanted.offer_id == offer_id:
        consult_began(call, offer_id, call.wanted.agent_id)


def consult_began(call: Call, offer_id: OfferId, agent_id: AgentId) -> None:
    """The phone of ``agent_id`` is called for the caller's agent."""
    call.wanted = None
    if call.state not in (CallState.CONNECTED, CallState.HELD) or call.agent_id is None:
        return
    call.move(Move.CONSULT_BEGAN)
    tell_consult(call, offer_id, agent_id)


def tell_consult(call: Call, offer_id: OfferId, agent_id: AgentId) -> None:
    assert call.agent_id is not None
    call.second = Consulted(agent_id, offer_id)
    call.legs.dial(offer_id, agent_id, call.now(), Party.EXPERT)
    _caller_hears(call, LegMove.HELD)
    call.publish(
        ConsultStarted(
            at=call.now(),
            contact_id=call.contact_id,
            agent_id=call.agent_id,
            consulted=agent_id,
            offer_id=offer_id,
        )
    )


def consult_answered(call: Call, at: datetime | None = None) -> None:
    """The two agents talk."""
    second = call.second
    if second is None or call.agent_id is None or call.legs.up_at(second.offer_id) is not None:
        return
    at = at or call.now()
    call.legs.move(second.offer_id, second.agent_id, LegMove.ANSWERED, at)
    call.publish(
        ConsultAnswered(
            at=at,
            contact_id=call.contact_id,
            agent_id=call.agent_id,
            consulted=second.agent_id,
            offer_id=second.offer_id,
        )
    )


def consult_failed(call: Call, offer_id: OfferId, failure: OfferFailure | None) -> None:
    """The consulted agent's leg is gone; the caller is on the way back to the agent."""
    second = call.second
    if second is None or second.offer_id != offer_id:
        return
    if call.state is CallState.CONFERENCE:  # which had only just begun
        agent_left(call, offer_id, second.agent_id)
    if call.state is not CallState.CONSULTING:
        return
    if call.offer_id in call.talks_told:
        consult_over(call, ConsultEnding.CALLER_LEFT)
    elif failure is not None:
        consult_over(call, _ENDINGS[failure])
    else:
        consult_over(call, ConsultEnding.RETURNED if call.returning else ConsultEnding.CONSULTED_LEFT)


def consult_over(call: Call, ending: ConsultEnding) -> None:
    """Without effect when there is no consultation."""
    second = call.second
    if second is None or call.agent_id is None:
        return
    call.returning = False
    if ending not in (ConsultEnding.HANDED_OVER, ConsultEnding.CONFERENCE):
        call.second = None
        call.legs.move(second.offer_id, second.agent_id, LegMove.LEFT, call.now())
    call.publish(
        ConsultEnded(
            at=call.now(),
            contact_id=call.contact_id,
            agent_id=call.agent_id,
            consulted=second.agent_id,
            offer_id=second.offer_id,
            ending=ending,
        )
    )


def joined(call: Call, offer_id: OfferId, agent_id: AgentId) -> None:
    """The caller talks to this agent: again, or because the agent was consulted and took over."""
    if call.state not in (CallState.HELD, CallState.CONSULTING):
        return
    _caller_hears(call, LegMove.RESUMED)
    second = call.second
    if second is not None and offer_id == second.offer_id:
        _handed_over(call, second)
        return
    consult_over(call, ConsultEnding.RETURNED)
    call.move(Move.TALK_RESUMED)
    call.publish(ContactResumed(at=call.now(), contact_id=call.contact_id, agent_id=agent_id))


def _handed_over(call: Call, second: Consulted) -> None:
    now = call.now()
    if call.agent_id is not None and call.offer_id is not None:
        began_at = call.talks_began.get(call.offer_id) or now
        talk_ended(call, Talk(agent_id=call.agent_id, offer_id=call.offer_id, began_at=began_at, ended_at=now))
    consult_over(call, ConsultEnding.HANDED_OVER)
    call.agent_id, call.offer_id, call.second = second.agent_id, second.offer_id, None
    call.legs.take_over(second.offer_id)
    call.move(Move.TALK_RESUMED)
    tell_connected(call, now)


def conference_began(call: Call, at: datetime | None = None) -> None:
    """The caller talks to both agents."""
    second = call.second
    if call.state is not CallState.CONSULTING or second is None:
        return
    consult_over(call, ConsultEnding.CONFERENCE)
    call.move(Move.CONFERENCE_BEGAN)
    tell_conference(call, at)


def tell_conference(call: Call, at: datetime | None = None) -> None:
    assert call.second is not None
    at = at or call.now()
    _caller_hears(call, LegMove.RESUMED)
    call.talks_began[call.second.offer_id] = at
    call.publish(
        AgentJoined(at=at, contact_id=call.contact_id, agent_id=call.second.agent_id, offer_id=call.second.offer_id)
    )


def talks_over(call: Call, at: datetime) -> None:
    """The caller is gone: nobody talks any more."""
    if call.state is CallState.CONFERENCE and call.second is not None:
        agent_left(call, call.second.offer_id, call.second.agent_id, at)
    consult_over(call, ConsultEnding.CALLER_LEFT)
    if call.agent_id is not None and call.offer_id is not None:
        agent_left(call, call.offer_id, call.agent_id, at)


def _caller_hears(call: Call, what: LegMove, at: datetime | None = None) -> None:
    call.legs.move_caller(call.contact_id, what, at or call.now())
