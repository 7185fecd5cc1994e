"""Domain events as the core's, and the core's effects as domain events."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from acd.core import effects as ef
from acd.core import events as ev
from acd.core.agents import REQUESTED_STATE
from switchroom.domain import events as facts
from switchroom.domain.call import TALKING, CallState

_MOVES = {state: what for what, state in REQUESTED_STATE.items()}


def at(seconds: float) -> datetime:
    """The core's time as it is stored."""
    return datetime.fromtimestamp(seconds, UTC)


def known_agent(event: facts.AgentStateChanged) -> ev.KnownAgent:
    """An agent's last state, as the ledger kept it."""
    requested = None if event.requested is None else (_MOVES[event.requested], event.requested_reason)
    return ev.KnownAgent(
        event.agent_id,
        event.state,
        event.at.timestamp(),
        event.reason,
        event.contact_id,
        None if event.until is None else event.until.timestamp(),
        event.queue,
        requested,
    )


def _adopted(event: facts.ContactAdopted) -> ev.Event | None:
    """After a restart: an agent found ringing or talking is not free, and the offer that rings goes on."""
    waiting = event.waiting
    if event.agent_id is None:
        return None
    if event.state in TALKING:
        queue = waiting.requirements.queue if waiting else None
        return ev.TalkFound(event.contact_id, event.agent_id, queue, (event.answered_at or event.at).timestamp())
    if event.state is CallState.OFFERED and waiting is not None:
        needs, came = waiting.requirements, waiting.enqueued_at.timestamp()
        return ev.OfferFound(event.contact_id, event.offer_id, event.agent_id, needs, came)
    return None


_STAYS = (facts.ConsultEnding.HANDED_OVER, facts.ConsultEnding.CONFERENCE)
"""After a consultation that ended so the agent has the contact."""


def _consult_ended(event: facts.ConsultEnded) -> ev.Event | None:
    if event.ending in _STAYS:
        return None
    return ev.ConsultOver(event.contact_id, event.consulted, event.at.timestamp())


HEARD: Mapping[type[facts.Event], Callable[[Any], ev.Event | None]] = {
    facts.ContactQueued: lambda e: ev.ContactJoined(e.contact_id, e.requirements, e.enqueued_at.timestamp()),
    facts.PlaceChanged: lambda e: ev.RequirementsChanged(e.contact_id, e.requirements),
    facts.ContactAdopted: _adopted,
    facts.ContactConnected: lambda e: ev.OfferAccepted(e.contact_id, e.agent_id, e.at.timestamp()),
    facts.OfferFailed: lambda e: ev.OfferFailed(e.contact_id, e.offer_id, e.agent_id, e.failure),
    facts.ConsultStarted: lambda e: ev.ConsultBegan(e.contact_id, e.consulted),
    facts.ConsultAnswered: lambda e: ev.ConsultAnswered(e.contact_id, e.consulted, e.at.timestamp()),
    facts.ConsultEnded: _consult_ended,
    facts.TalkEnded: lambda e: ev.TalkEnded(e.contact_id, e.agent_id, e.at.timestamp()),
    facts.ContactEnded: lambda e: ev.ContactLeft(e.contact_id, e.at.timestamp()),
    facts.PhoneChanged: lambda e: ev.PhoneChanged(e.extension, e.registered),
    facts.SwitchLost: lambda e: ev.SwitchLost(),
    facts.Reconciled: lambda e: ev.Reconciled(e.live, e.talking, e.channel),
}
"""What the ACD hears on the bus, and what it is to the core; None for what does not concern it."""


def _agent_changed(effect: ef.AgentChanged, now: datetime) -> facts.Event:
    what, why = effect.requested or (None, None)
    return facts.AgentStateChanged(
        at=at(effect.since),
        agent_id=effect.agent_id,
        state=effect.state,
        reason=effect.reason,
        contact_id=effect.contact_id,
        until=None if effect.until is None else at(effect.until),
        queue=effect.queue,
        requested=REQUESTED_STATE[what] if what else None,
        requested_reason=why,
    )


def _desk_changed(effect: ef.DeskChanged, now: datetime) -> facts.Event:
    return facts.DeskChanged(
        at=now, agent_id=effect.agent_id, extension=effect.extension, phone_registered=effect.phone_registered
    )


def _unserved(effect: ef.Unserved, now: datetime) -> facts.Event:
    return facts.NobodyOnDuty(at=now, contact_id=effect.contact_id, queue=effect.queue, until=at(effect.until))


def _overflowed(effect: ef.Overflowed, now: datetime) -> facts.Event:
    return facts.PlaceChanged(
        at=now,
        contact_id=effect.contact_id,
        requirements=effect.requirements,
        enqueued_at=at(effect.enqueued_at),
        why=facts.PlaceChange.NOBODY_ON_DUTY,
    )


ANNOUNCED: Mapping[type, Callable[[Any, datetime], facts.Event]] = {
    ef.AgentChanged: _agent_changed,
    ef.DeskChanged: _desk_changed,
    ef.Unserved: _unserved,
    ef.Overflowed: _overflowed,
}
"""The effects that are said on the bus, by which event."""
