"""Translation of what Asterisk says while an agent has a caller: hold, consultation, hand-over, conference."""

import pytest

from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, OfferId
from telephony.softswitch.port import (
    AgentAnswered,
    AgentLeft,
    AgentRinging,
    CallerHeld,
    CallerJoined,
    ConferenceBegan,
    ConsultBegan,
    ConsultOver,
    FileClosed,
    LiveCall,
    LivePhase,
    SecondLeg,
    SwitchEvent,
)
from telephony.softswitch.translate import Message, snapshot, translate

CALL, AGENT, EXPERT = ContactId("1"), AgentId("1001"), AgentId("1002")
OFFER, ASKED = OfferId("o1"), OfferId("c1")
CALLERS = ["CONTACT_ID=1", "LEG=caller", "AGENT=1001", "OFFER=o1", "CONSULTED=1002", "CONSULT=c1"]


ANSWERED = SecondLeg(offer_id=ASKED, agent_id=EXPERT, answered=True)


def user_event(name: str, **headers: str) -> Message:
    return {"Event": "UserEvent", "UserEvent": name, "ChanVariable": CALLERS, **headers}


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (user_event("Held"), CallerHeld(contact_id=CALL)),
        (user_event("RecordingClosed", File="1-1001-17.raw"), FileClosed(contact_id=CALL, file="1-1001-17.raw")),
        (
            user_event("ConsultBegan", Offer="c1", Agent="1002"),
            ConsultBegan(contact_id=CALL, offer_id=ASKED, agent_id=EXPERT),
        ),
        (
            user_event("ConsultOver", Offer="c1", Agent="1002", DialStatus="ANSWER"),
            ConsultOver(contact_id=CALL, offer_id=ASKED, agent_id=EXPERT),
        ),
        (
            user_event("ConsultOver", Offer="c1", Agent="1002", DialStatus="BUSY"),
            ConsultOver(contact_id=CALL, offer_id=ASKED, agent_id=EXPERT, failure=OfferFailure.BUSY),
        ),
        (
            user_event("ConsultOver", Offer="c1", Agent="1002", DialStatus="CHANUNAVAIL"),
            ConsultOver(contact_id=CALL, offer_id=ASKED, agent_id=EXPERT, failure=OfferFailure.UNREACHABLE),
        ),
        (
            user_event("TalkEnded", Offer="o1", Agent="1001", Waits="yes"),
            AgentLeft(contact_id=CALL, offer_id=OFFER, agent_id=AGENT, waits=True),
        ),
        (
            user_event("TalkEnded", Offer="o1", Agent="1001", Waits="transferred"),
            AgentLeft(contact_id=CALL, offer_id=OFFER, agent_id=AGENT, waits=True, transferred=True),
        ),
        (
            user_event("TalkEnded", Offer="o1", Agent="1001", Waits=""),
            AgentLeft(contact_id=CALL, offer_id=OFFER, agent_id=AGENT),
        ),
        (
            {"Event": "BridgeEnter", "Context": "resumed", "ChanVariable": CALLERS},
            CallerJoined(contact_id=CALL, offer_id=OFFER, agent_id=AGENT),
        ),
        (
            {"Event": "BridgeEnter", "Context": "conference", "ChanVariable": CALLERS},
            ConferenceBegan(contact_id=CALL, offer_id=ASKED, agent_id=EXPERT),
        ),
        (
            {
                "Event": "DialState",
                "DialStatus": "RINGING",
                "DestChanVariable": ["CONTACT_ID=1", "LEG=expert", "AGENT=1002", "OFFER=c1"],
            },
            AgentRinging(contact_id=CALL, offer_id=ASKED, agent_id=EXPERT),
        ),
        (
            {
                "Event": "DialEnd",
                "DialStatus": "ANSWER",
                "DestChanVariable": ["CONTACT_ID=1", "LEG=expert", "AGENT=1002", "OFFER=c1"],
            },
            AgentAnswered(contact_id=CALL, offer_id=ASKED, agent_id=EXPERT),
        ),
    ],
)
def test_given_a_step_of_a_talk_then_it_is_told(message: Message, event: SwitchEvent) -> None:
    assert translate(message) == (event,)


@pytest.mark.parametrize(
    "message",
    [
        {"Event": "BridgeEnter", "Context": "connect", "ChanVariable": CALLERS},
        {"Event": "BridgeEnter", "Context": "resumed", "ChanVariable": ["CONTACT_ID=1", "LEG=agent", "AGENT=1001"]},
    ],
)
def test_given_a_bridge_that_says_nothing_new_then_nothing_is_told(message: Message) -> None:
    assert translate(message) == ()


@pytest.mark.parametrize(
    ("context", "consult", "leg", "joined", "phase", "second"),
    [
        ("held", "", "", "", LivePhase.HELD, None),
        ("consulting", "c1", "", "", LivePhase.CONSULTING, SecondLeg(offer_id=ASKED, agent_id=EXPERT)),
        (
            "consulting",
            "c1",
            "7.3",
            "",
            LivePhase.CONSULTING,
            SecondLeg(offer_id=ASKED, agent_id=EXPERT, answered=True),
        ),
        ("resumed", "", "", "", LivePhase.TALKING, None),
        ("conference", "", "", "", LivePhase.TALKING, None),
        ("transferred", "", "", "", LivePhase.WAITING, None),
        ("back-in-line", "", "", "", LivePhase.WAITING, None),
    ],
)
def test_given_a_callers_context_and_variables_then_the_snapshot_tells_what_it_is(
    context: str, consult: str, leg: str, joined: str, phase: LivePhase, second: SecondLeg | None
) -> None:
    found = status(context, CONSULT=consult, EXPERT_LEG=leg, JOINED_AT=joined)
    assert (found.phase, found.second) == (phase, second)


def test_given_a_conference_then_the_snapshot_tells_since_when() -> None:
    found = status("conference", CONSULT="c1", EXPERT_LEG="7.3", JOINED_AT="2026-11-23T17:05:00.000+00:00")
    assert found.phase is LivePhase.CONFERENCE
    assert found.second is not None and found.second.joined_at is not None
    assert found.answered_at is not None and found.second.joined_at > found.answered_at


def status(context: str, **variables: str) -> LiveCall:
    written = {
        "CONTACT_ID": "1",
        "LEG": "caller",
        "AGENT": "1001",
        "OFFER": "o1",
        "CONSULTED": "1002",
        "ENTERED_AT": "2026-11-23T17:00:00.000+00:00",
        "ANSWERED_AT": "2026-11-23T17:01:00.000+00:00",
        **variables,
    }
    message = {
        "Event": "Status",
        "Channel": "PJSIP/carrier-1",
        "Context": context,
        "Variable": [f"{name}={value or '(null)'}" for name, value in written.items()],
    }
    (found,) = snapshot([message], []).calls
    return found
