"""Asterisk's manager events and lists in our own words. Pure and stateless: each message tells all that is needed.

That it does is the configuration's work: ``channelvars`` puts the contact, the side, agents and offers on every event
about a channel, and the dialplan (``softswitch_config/templates/extensions.conf.j2``) keeps one context for each phase.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set

from switchroom.domain.contact import Talk
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from telephony.softswitch.channel_variables import decode_collected, decode_talks, decode_time, decode_waiting
from telephony.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerArrived,
    CallerFellBack,
    CallerHeld,
    CallerJoined,
    CallerLeft,
    CallerRefused,
    ConferenceBegan,
    ConsultBegan,
    ConsultOver,
    FileClosed,
    LiveCall,
    LivePhase,
    PhoneState,
    SecondLeg,
    Snapshot,
    SwitchEvent,
)

Message = Mapping[str, str | Sequence[str]]
"""One AMI message: its headers; a header that was repeated has a list."""

STATUS_VARIABLES = ",".join(
    (
        *("CONTACT_ID", "LEG", "AGENT", "OFFER", "NUMBER", "CALLER", "ENTERED_AT", "ANSWERED_AT", "SERVED"),
        *("QUEUE", "ENQUEUED_AT", "TIER", "TIER_FIXED", "SKILLS", "COLLECTED", "TALKS"),
        *("CONSULT", "CONSULTED", "EXPERT_LEG", "JOINED_AT"),
    )
)
"""What to ask of the ``Status`` action, for `snapshot`."""

_UP = "6"  # AST_STATE_UP
_UNSET = "(null)"  # how a Status list writes a variable that the channel does not have

_FAILURES = {
    "NOANSWER": OfferFailure.NO_ANSWER,
    "BUSY": OfferFailure.BUSY,
    "CANCEL": OfferFailure.CALLER_LEFT,
    "NOROOM": OfferFailure.SWITCH_FAILED,
}
"""By DIALSTATUS; CHANUNAVAIL (not registered), CONGESTION and anything new are UNREACHABLE.

NOROOM is the dialplan's own word for a second agent for whose leg there is no room.
"""

_PHASES = {
    "from-trunk": LivePhase.ARRIVING,
    "entered": LivePhase.ARRIVING,
    "ivr": LivePhase.IN_MENU,
    "fallback": LivePhase.IN_MENU,
    "waiting": LivePhase.WAITING,
    "transferred": LivePhase.WAITING,
    "back-in-line": LivePhase.WAITING,
    "connect": LivePhase.RINGING,
    "resumed": LivePhase.TALKING,
    "takeover": LivePhase.TALKING,
    "held": LivePhase.HELD,
    "consulting": LivePhase.CONSULTING,
    "conference": LivePhase.CONFERENCE,
    "leave": LivePhase.LEAVING,
}
"""By dialplan context; in ``connect``, a caller whose agent's leg is up talks; so does one with whom one agent of a
conference is left."""

_HAS_AGENT = (LivePhase.TALKING, LivePhase.HELD, LivePhase.CONSULTING, LivePhase.CONFERENCE)
_OFFERED = (LivePhase.RINGING, *_HAS_AGENT)

_PHONE = re.compile(r"PJSIP/([0-9]+)")
_UNREGISTERED = frozenset({"UNAVAILABLE", "INVALID", "UNKNOWN"})
_IN_USE = frozenset({"INUSE", "BUSY", "RINGINUSE", "ONHOLD"})


def translate(message: Message) -> tuple[SwitchEvent, ...]:
    """What one manager event says; nothing for an event that does not matter to us."""
    translator = _TRANSLATORS.get(text(message, "Event"))
    event = translator(message) if translator else None
    return (event,) if event else ()


def snapshot(channels: Sequence[Message], devices: Sequence[Message]) -> Snapshot:
    """What is live, from the events of a ``Status`` list and of a ``DeviceStateList``."""
    answered = {contact_id for channel in channels if (contact_id := _answered_call(channel))}
    calls = (_live_call(channel, answered) for channel in channels)
    phones = (_phone(device) for device in devices)
    return Snapshot(calls=tuple(call for call in calls if call), phones=tuple(phone for phone in phones if phone))


def between_places(channels: Sequence[Message]) -> bool:
    """Whether a caller of a ``Status`` list is in a subroutine of the dialplan: on the way to another place."""
    return any(caller_channel(channel) and text(channel, "Context") not in _PHASES for channel in channels)


def caller_channel(message: Message) -> tuple[ContactId, str] | None:
    """The call and the name of its caller's channel, if the message is about a caller's channel."""
    variables = _variables(message, "Variable" if text(message, "Event") == "Status" else "ChanVariable")
    if variables.get("LEG") != "caller" or not variables.get("CONTACT_ID"):
        return None
    return ContactId(variables["CONTACT_ID"]), text(message, "Channel")


def text(message: Message, header: str) -> str:
    """A header's value; the first of a repeated one; empty when it is not there."""
    value = message.get(header, "")
    return value if isinstance(value, str) else value[0]


def _variables(message: Message, header: str) -> dict[str, str]:
    lines = message.get(header, ())
    pairs = (line.partition("=") for line in ([lines] if isinstance(lines, str) else lines))
    return {name: value for name, _, value in pairs if value != _UNSET}


def _user_event(message: Message) -> SwitchEvent | None:
    contact_id = _variables(message, "ChanVariable").get("CONTACT_ID")
    translator = _USER_EVENTS.get(text(message, "UserEvent"))
    return translator(ContactId(contact_id), message) if contact_id and translator else None


def _call_entered(contact_id: ContactId, message: Message) -> SwitchEvent:
    return CallerArrived(contact_id=contact_id, number=text(message, "Number"), caller=text(message, "Caller"))


def _call_refused(contact_id: ContactId, message: Message) -> SwitchEvent:
    return CallerRefused(contact_id=contact_id, number=text(message, "Number"), caller=text(message, "Caller"))


def _call_fell_back(contact_id: ContactId, message: Message) -> SwitchEvent:
    headers = {"QUEUE": "Queue", "ENQUEUED_AT": "EnqueuedAt", "TIER": "Tier", "SKILLS": "Skills"}
    waiting = decode_waiting({name: text(message, header) for name, header in headers.items()})
    return CallerFellBack(contact_id=contact_id, waiting=waiting)


def _offer_failed(contact_id: ContactId, message: Message) -> SwitchEvent:
    failure = _FAILURES.get(text(message, "DialStatus"), OfferFailure.UNREACHABLE)
    offer_id, agent_id = OfferId(text(message, "Offer")), AgentId(text(message, "Agent"))
    return AgentFailed(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=failure)


def _talk_ended(contact_id: ContactId, message: Message) -> SwitchEvent:
    waits = text(message, "Waits")
    return AgentLeft(
        contact_id=contact_id,
        offer_id=OfferId(text(message, "Offer")),
        agent_id=AgentId(text(message, "Agent")),
        waits=bool(waits),
        transferred=waits == "transferred",
    )


def _consult_began(contact_id: ContactId, message: Message) -> SwitchEvent:
    offer_id, agent_id = OfferId(text(message, "Offer")), AgentId(text(message, "Agent"))
    return ConsultBegan(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id)


def _consult_over(contact_id: ContactId, message: Message) -> SwitchEvent:
    status = text(message, "DialStatus")
    failure = None if status == "ANSWER" else _FAILURES.get(status, OfferFailure.UNREACHABLE)
    offer_id, agent_id = OfferId(text(message, "Offer")), AgentId(text(message, "Agent"))
    return ConsultOver(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=failure)


def _dial_state(message: Message) -> SwitchEvent | None:
    if (leg := _agent_leg(message)) and text(message, "DialStatus") == "RINGING":
        return AgentRinging(contact_id=leg[0], offer_id=leg[1], agent_id=leg[2])
    return None


def _dial_end(message: Message) -> SwitchEvent | None:
    # Failures are told by the dialplan's OfferFailed, once the caller is on the way back to the music.
    if (leg := _agent_leg(message)) and text(message, "DialStatus") == "ANSWER":
        return AgentAnswered(contact_id=leg[0], offer_id=leg[1], agent_id=leg[2])
    return None


def _agent_leg(message: Message) -> tuple[ContactId, OfferId, AgentId] | None:
    """Contact, offer and agent of the leg that is dialled; None when the menu's leg is."""
    variables = _variables(message, "DestChanVariable")
    if not variables.get("CONTACT_ID") or not variables.get("AGENT"):
        return None
    return ContactId(variables["CONTACT_ID"]), OfferId(variables.get("OFFER", "")), AgentId(variables["AGENT"])


def _hangup(message: Message) -> SwitchEvent | None:
    # The other legs' hang-ups say less than the dialplan: TalkEnded comes when the recording is closed.
    if caller := caller_channel(message):
        return CallerLeft(contact_id=caller[0])
    return None


def _bridge_enter(message: Message) -> SwitchEvent | None:
    """The effect itself: what the dialplan says before it could still fail."""
    variables = _variables(message, "ChanVariable")
    if variables.get("LEG") != "caller":
        return None
    contact_id = ContactId(variables.get("CONTACT_ID", ""))
    match text(message, "Context"):
        case "resumed":
            offer_id, agent_id = OfferId(variables.get("OFFER", "")), AgentId(variables.get("AGENT", ""))
            return CallerJoined(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id)
        case "conference":
            offer_id, agent_id = OfferId(variables.get("CONSULT", "")), AgentId(variables.get("CONSULTED", ""))
            return ConferenceBegan(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id)
    return None


def _phone(message: Message) -> PhoneState | None:
    if not (device := _PHONE.fullmatch(text(message, "Device"))):
        return None
    state = text(message, "State")
    return PhoneState(extension=Extension(device[1]), registered=state not in _UNREGISTERED, in_use=state in _IN_USE)


def _answered_call(message: Message) -> ContactId | None:
    """The call whose agent's leg this is, if it is up: told earlier than the bridge, which takes a moment to form."""
    variables = _variables(message, "Variable")
    is_agents = variables.get("AGENT") and variables.get("LEG") != "caller"
    return ContactId(variables.get("CONTACT_ID", "")) if is_agents and text(message, "ChannelState") == _UP else None


def _live_call(message: Message, answered: Set[ContactId]) -> LiveCall | None:
    variables = _variables(message, "Variable")
    phase, entered_at = _PHASES.get(text(message, "Context")), decode_time(variables.get("ENTERED_AT", ""))
    if variables.get("LEG") != "caller" or phase is None or entered_at is None:
        return None
    if phase is LivePhase.RINGING and variables["CONTACT_ID"] in answered:
        phase = LivePhase.TALKING
    if phase is LivePhase.CONFERENCE and not variables.get("JOINED_AT"):
        phase = LivePhase.TALKING
    return LiveCall(
        contact_id=ContactId(variables["CONTACT_ID"]),
        number=variables.get("NUMBER", ""),
        caller=variables.get("CALLER", ""),
        entered_at=entered_at,
        phase=phase,
        # Who has just come into line has the variables for a moment longer.
        agent_id=AgentId(variables["AGENT"]) if variables.get("AGENT") and phase in _OFFERED else None,
        offer_id=OfferId(variables["OFFER"]) if variables.get("OFFER") and phase in _OFFERED else None,
        answered_at=decode_time(variables.get("ANSWERED_AT", "")) if phase in _HAS_AGENT else None,
        second=_second(variables) if phase in _HAS_AGENT else None,
        served=variables.get("SERVED") == "yes",
        waiting=decode_waiting(variables),
        collected=decode_collected(variables),
        talks=_talks(variables),
    )


def _second(variables: Mapping[str, str]) -> SecondLeg | None:
    if not variables.get("CONSULT") or not variables.get("CONSULTED"):
        return None
    return SecondLeg(
        offer_id=OfferId(variables["CONSULT"]),
        agent_id=AgentId(variables["CONSULTED"]),
        answered=bool(variables.get("EXPERT_LEG")),
        joined_at=decode_time(variables.get("JOINED_AT", "")),
    )


def _talks(variables: Mapping[str, str]) -> tuple[Talk, ...]:
    try:
        return decode_talks(variables.get("TALKS", ""))
    except ValueError:
        return ()


_USER_EVENTS: Mapping[str, Callable[[ContactId, Message], SwitchEvent | None]] = {
    "ContactEntered": _call_entered,
    "ContactRefused": _call_refused,
    "ContactFellBack": _call_fell_back,
    "OfferFailed": _offer_failed,
    "TalkEnded": _talk_ended,
    "RecordingClosed": lambda contact_id, message: FileClosed(contact_id=contact_id, file=text(message, "File")),
    "Held": lambda contact_id, _: CallerHeld(contact_id=contact_id),
    "ConsultBegan": _consult_began,
    "ConsultOver": _consult_over,
}

_TRANSLATORS: Mapping[str, Callable[[Message], SwitchEvent | None]] = {
    "UserEvent": _user_event,
    "DialState": _dial_state,
    "DialEnd": _dial_end,
    "BridgeEnter": _bridge_enter,
    "Hangup": _hangup,
    "DeviceStateChange": _phone,
}
