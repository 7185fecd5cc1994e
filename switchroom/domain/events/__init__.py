"""Everything that happens, in the past tense. These travel on the bus and are kept in the event log.

Each event is frozen, carries its UTC time, and names the contact or agent that it is about. One file a noun;
import them from here.
"""

from switchroom.domain.events.agent import (
    AgentState,
    AgentStateChanged,
    DeskChanged,
    DesktopClosed,
    DesktopOpened,
    PhoneChanged,
)
from switchroom.domain.events.base import Event, Personal
from switchroom.domain.events.contact import (
    ContactAdopted,
    ContactConnected,
    ContactEnded,
    ContactEntered,
    ContactEvent,
    ContactRefused,
    ContactTransferred,
    CustomerIdentified,
    TalkEnded,
)
from switchroom.domain.events.menu import FlowStarted, InputKind, InputTaken, MenuInput, NodeVisited
from switchroom.domain.events.offer import (
    AgentRang,
    OfferFailed,
    OfferFailure,
    OfferMade,
    ScreenPopSent,
    ScreenPopShown,
)
from switchroom.domain.events.queue import ContactQueued, NobodyOnDuty, PlaceChange, PlaceChanged
from switchroom.domain.events.recording import RecordingClosed, RecordingReady
from switchroom.domain.events.switch import Reconciled, SwitchLost
from switchroom.domain.events.talk import (
    AgentJoined,
    ConsultAnswered,
    ConsultEnded,
    ConsultEnding,
    ConsultEvent,
    ConsultStarted,
    ContactHeld,
    ContactResumed,
)
from switchroom.domain.events.ticket import TicketClosed, TicketFailed, TicketJoined, TicketOpened

__all__ = [
    "AgentJoined",
    "AgentRang",
    "AgentState",
    "AgentStateChanged",
    "ConsultAnswered",
    "ConsultEnded",
    "ConsultEnding",
    "ConsultEvent",
    "ConsultStarted",
    "ContactAdopted",
    "ContactConnected",
    "ContactEnded",
    "ContactEntered",
    "ContactEvent",
    "ContactHeld",
    "ContactQueued",
    "ContactRefused",
    "ContactResumed",
    "ContactTransferred",
    "CustomerIdentified",
    "DeskChanged",
    "DesktopClosed",
    "DesktopOpened",
    "Event",
    "FlowStarted",
    "InputKind",
    "InputTaken",
    "MenuInput",
    "NobodyOnDuty",
    "NodeVisited",
    "OfferFailed",
    "OfferFailure",
    "OfferMade",
    "Personal",
    "PhoneChanged",
    "PlaceChange",
    "PlaceChanged",
    "Reconciled",
    "RecordingClosed",
    "RecordingReady",
    "ScreenPopSent",
    "ScreenPopShown",
    "SwitchLost",
    "TalkEnded",
    "TicketClosed",
    "TicketFailed",
    "TicketJoined",
    "TicketOpened",
]
