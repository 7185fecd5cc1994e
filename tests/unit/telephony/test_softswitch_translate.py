"""Translation of what a real Asterisk 22.10 said (tests/fixtures/ami; numbers are made up)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from switchroom.domain.contact import CustomerTier, Requirements, Waiting
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName
from telephony.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerArrived,
    CallerFellBack,
    CallerLeft,
    LiveCall,
    LivePhase,
    PhoneState,
    SwitchEvent,
)
from telephony.softswitch.translate import Message, between_places, caller_channel, snapshot, translate
from tests.fakes.fake_softswitch import OFFER

TRACES = Path(__file__).parents[2] / "fixtures" / "ami"
AGENT = AgentId("1001")
WAITING = Waiting(
    Requirements(QueueName("退款"), {"refund": 3, "lang:en": 1}, CustomerTier.GOLD),
    datetime(2026, 11, 23, 9, 30, 0, 250000, UTC),
)


def read_trace(name: str) -> list[Message]:
    """The messages of a recorded connection."""
    blocks = (TRACES / f"{name}.txt").read_bytes().decode().split("\r\n\r\n")
    return [headers for block in blocks if (headers := parse(block))]


def parse(block: str) -> Message:
    headers: dict[str, str | list[str]] = {}
    for line in block.split("\r\n"):
        name, colon, value = line.partition(": ")
        if not colon:
            continue
        before = headers.get(name)
        if before is None:
            headers[name] = value
        else:
            headers[name] = [*([before] if isinstance(before, str) else before), value]
    return headers


def told(name: str) -> tuple[ContactId, list[SwitchEvent]]:
    """The call of a trace, and what its messages say of it (phones aside)."""
    events = [event for message in read_trace(name) for event in translate(message)]
    calls = [event for event in events if not isinstance(event, PhoneState)]
    arrived = calls[0]
    assert isinstance(arrived, CallerArrived)
    return arrived.contact_id, calls


@pytest.mark.parametrize("name", ["connected_agent_hangs_up", "connected_caller_hangs_up"])
def test_given_a_talk_when_either_side_hangs_up_then_its_end_is_told_before_the_calls(name: str) -> None:
    contact_id, events = told(name)
    assert events == [
        CallerArrived(contact_id=contact_id, number="4008123123", caller="13800138000"),
        AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT),
        AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT),
        AgentLeft(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT),
        CallerLeft(contact_id=contact_id),
    ]


@pytest.mark.parametrize(
    ("name", "rang", "agent", "failure"),
    [
        ("no_answer", True, AGENT, OfferFailure.NO_ANSWER),
        ("busy", False, AGENT, OfferFailure.BUSY),
        ("not_registered", False, AgentId("1002"), OfferFailure.UNREACHABLE),
        ("caller_abandons_while_ringing", True, AGENT, OfferFailure.CALLER_LEFT),
    ],
)
def test_given_an_offer_when_it_fails_then_it_is_told_once_and_before_the_caller_left(
    name: str, rang: bool, agent: AgentId, failure: OfferFailure
) -> None:
    contact_id, events = told(name)
    ringing = [AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=agent)] if rang else []
    assert events[1:] == [
        *ringing,
        AgentFailed(contact_id=contact_id, offer_id=OFFER, agent_id=agent, failure=failure),
        CallerLeft(contact_id=contact_id),
    ]


def test_given_a_caller_in_the_menu_when_the_caller_leaves_then_the_menus_own_leg_tells_nothing() -> None:
    contact_id, events = told("caller_abandons_in_menu")
    assert events[1:] == [CallerLeft(contact_id=contact_id)]


def test_given_no_menu_when_the_dialplan_falls_back_then_the_place_in_line_is_told() -> None:
    contact_id, events = told("fell_back")
    (event,) = (event for event in events if isinstance(event, CallerFellBack))
    assert event.contact_id == contact_id
    assert event.waiting.requirements == Requirements(QueueName("general"))
    assert event.waiting.enqueued_at.tzinfo is UTC


def test_given_a_phone_when_it_registers_then_it_is_told() -> None:
    (message,) = read_trace("phone_registers")
    assert translate(message) == (PhoneState(extension=Extension(AGENT), registered=True, in_use=False),)


@pytest.mark.parametrize(
    ("state", "registered", "in_use"),
    [
        ("NOT_INUSE", True, False),
        ("INUSE", True, True),
        ("RINGING", True, False),
        ("RINGINUSE", True, True),
        ("ONHOLD", True, True),
        ("BUSY", True, True),
        ("UNAVAILABLE", False, False),
        ("INVALID", False, False),
        ("UNKNOWN", False, False),
    ],
)
def test_device_states(state: str, registered: bool, in_use: bool) -> None:
    message = {"Event": "DeviceStateChange", "Device": "PJSIP/1007", "State": state}
    assert translate(message) == (PhoneState(extension=Extension("1007"), registered=registered, in_use=in_use),)


def test_given_a_fallback_whose_place_cannot_be_read_then_it_is_told_all_the_same() -> None:
    words = {"UserEvent": "ContactFellBack", "ChanVariable": "CONTACT_ID=1", "Queue": "general"}
    fell_back = {"Event": "UserEvent", **words}
    assert translate(fell_back) == (CallerFellBack(contact_id=ContactId("1"), waiting=None),)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"Event": "Newchannel", "Channel": "PJSIP/1001-00000001"},
        {"Event": "DeviceStateChange", "Device": "PJSIP/carrier", "State": "INUSE"},
        {"Event": "UserEvent", "UserEvent": "ContactEntered"},
        {"Event": "UserEvent", "UserEvent": "SomebodyElses", "ChanVariable": "CONTACT_ID=1"},
        {"Event": "Hangup", "ChanVariable": ["CONTACT_ID=", "LEG=caller"], "ChannelState": "6"},
        {"Event": "DialState", "DialStatus": "RINGING"},
        {"Event": "DialEnd", "DialStatus": "ANSWER", "DestChanVariable": ["CONTACT_ID=1", "AGENT="]},
    ],
)
def test_what_is_not_about_us_says_nothing(message: Message) -> None:
    assert translate(message) == ()


def test_given_live_calls_when_asked_then_the_snapshot_has_each_where_it_is() -> None:
    messages = read_trace("snapshot")
    status = [message for message in messages if message.get("ActionID") == "s1"]
    devices = [message for message in messages if message.get("ActionID") == "d1"]
    found = snapshot(status, devices)
    assert {call.phase: (call.agent_id, call.waiting, dict(call.collected)) for call in found.calls} == {
        LivePhase.IN_MENU: (None, None, {}),
        LivePhase.WAITING: (None, WAITING, {"order": "A-17", "想要": "退款"}),
        LivePhase.RINGING: (AGENT, WAITING, {"order": "A-17", "想要": "退款"}),
        LivePhase.TALKING: (AgentId("1003"), WAITING, {"order": "A-17", "想要": "退款"}),
    }
    assert {(call.number, call.caller) for call in found.calls} == {("4008123123", "13800138000")}
    assert all(call.entered_at.tzinfo is UTC for call in found.calls)
    phones = {phone.extension: (phone.registered, phone.in_use) for phone in found.phones}
    assert phones["1001"] == (True, False)
    assert phones["1003"] == (True, True)
    assert phones["1010"] == (False, False)
    callers = [caller for message in status if (caller := caller_channel(message))]
    assert {contact_id for contact_id, _ in callers} == {call.contact_id for call in found.calls}
    assert all(channel.startswith("PJSIP/carrier-") for _, channel in callers)


def test_given_a_call_that_just_entered_when_asked_then_it_is_left_to_its_event() -> None:
    entering = {
        "Event": "Status",
        "Channel": "PJSIP/carrier-1",
        "Context": "entered",
        "Variable": ["CONTACT_ID=1", "LEG=caller", "ENTERED_AT=(null)"],
    }
    assert snapshot([entering], []).calls == ()
    entered = {**entering, "Variable": [*entering["Variable"][:2], "ENTERED_AT=2026-11-23T17:00:00.000+00:00"]}
    assert snapshot([entered], []).calls == (
        LiveCall(
            contact_id=ContactId("1"),
            number="",
            caller="",
            entered_at=datetime(2026, 11, 23, 17, tzinfo=UTC),
            phase=LivePhase.ARRIVING,
        ),
    )


@pytest.mark.parametrize(("context", "moves"), [("waiting", False), ("closed", True)])
def test_given_a_caller_who_has_just_come_into_line_then_the_last_agent_is_not_theirs(
    context: str, moves: bool
) -> None:
    variables = ["CONTACT_ID=1", "LEG=caller", "ENTERED_AT=2026-01-05T09:00:00+00:00", "AGENT=1001", "OFFER=o1"]
    channels: list[Message] = [{"Event": "Status", "Context": context, "Variable": variables}]
    assert between_places(channels) is moves
    assert [(call.agent_id, call.offer_id) for call in snapshot(channels, []).calls] == [(None, None)] * (not moves)
