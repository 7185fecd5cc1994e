"""What the server wants of a softswitch, in the server's own words.

Asterisk's words (channel, uniqueid, linkedid, context) stay behind this port. What happens comes as
`SwitchEvent`s to the one handler given at `start`; commands go down as methods. Every method has a deadline
and raises `SwitchError`; `CallGone` says that the caller hung up meanwhile, which is normal and needs no retry.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from switchroom.domain.contact import Talk, Waiting
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId


class SwitchError(Exception):
    """The softswitch refused, did not answer in time, or is not connected."""


class CallGone(SwitchError):
    """The call has no caller any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchEvent:
    """Something that the softswitch reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchUp(SwitchEvent):
    """Connected and logged in; reconcile before anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchDown(SwitchEvent):
    """The connection is lost. Calls go on in the softswitch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerArrived(SwitchEvent):
    contact_id: ContactId
    number: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRefused(SwitchEvent):
    """A call was told "busy" before it was answered: as many as fit are here."""

    contact_id: ContactId
    number: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerFellBack(SwitchEvent):
    """No menu could be reached; the dialplan put the caller into the fallback queue by itself.

    ``waiting`` is None when what it wrote cannot be read.
    """

    contact_id: ContactId
    waiting: Waiting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRinging(SwitchEvent):
    """Of an offer, or of a consultation: ``offer_id`` tells which."""

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAnswered(SwitchEvent):
    """Caller and agent talk; or, in a consultation, the two agents. ``at`` is when, if that is long ago."""

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFailed(SwitchEvent):
    """The agent's leg ended unanswered; the caller is back in the waiting music unless ``failure`` is CALLER_LEFT."""

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId
    failure: OfferFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLeft(SwitchEvent):
    """Caller and agent talk no more; their recording is completely written once `FileClosed` has told so.

    ``waits``: the caller is back in line, ``transferred`` by `Softswitch.transfer`, or in the old place because the
    agent's phone is gone while the caller heard music. Otherwise `CallerJoined` or `CallerLeft` follows, or the caller
    talks on with the other agent of a conference. ``at`` is when, if that is long ago.
    """

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId
    waits: bool = False
    transferred: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClosed(SwitchEvent):
    """A recording is completely written, by this name of its raw file."""

    contact_id: ContactId
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerHeld(SwitchEvent):
    """The caller hears music; the agent's leg stays."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerJoined(SwitchEvent):
    """The caller talks to this agent: again, or because the agent who was consulted took over."""

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultBegan(SwitchEvent):
    """The caller hears music, and the phone of ``agent_id`` is called for the agent who has the caller."""

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultOver(SwitchEvent):
    """The consulted agent's leg is gone; ``failure`` tells why when it was not answered.

    Unless the caller left, or the agent did, `CallerJoined` follows by itself.
    """

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId
    failure: OfferFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceBegan(SwitchEvent):
    """The caller talks to both agents, to ``agent_id`` since now."""

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerLeft(SwitchEvent):
    """The caller's leg is gone: the call is over, and all its recordings are completely written."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneState(SwitchEvent):
    """A phone: registered or not, in use or not (also by calls that are not ours)."""

    extension: Extension
    registered: bool
    in_use: bool


class LivePhase(StrEnum):
    """Where the softswitch holds a live caller."""

    ARRIVING = "arriving"
    IN_MENU = "in_menu"
    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    CONSULTING = "consulting"
    CONFERENCE = "conference"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLeg:
    """The leg of an agent who was consulted: dialled, or ``answered``; in a conference since ``joined_at``."""

    offer_id: OfferId
    agent_id: AgentId
    answered: bool = False
    joined_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """One caller as found in the softswitch, with what was written on the channel."""

    contact_id: ContactId
    number: str
    caller: str
    entered_at: datetime
    phase: LivePhase
    agent_id: AgentId | None = None
    offer_id: OfferId | None = None
    answered_at: datetime | None = None
    """Since when the agent has the caller, if one does."""
    second: SecondLeg | None = None
    served: bool = False
    """The menu has given the caller what they asked for."""
    waiting: Waiting | None = None
    collected: Mapping[str, str] = field(default_factory=dict)
    talks: tuple[Talk, ...] = ()
    """The talks that are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """A call that is over, as the softswitch wrote it down."""

    contact_id: ContactId
    number: str
    caller: str
    entered_at: datetime
    ended_at: datetime
    talks: tuple[Talk, ...] = ()
    waited_again: Waiting | None = None
    """The caller was in line after the last talk, and gave up there."""
    transferred: bool = False
    """By a transfer out of that talk."""
    served: bool = False
    """The menu had given the caller what they asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An agent's phone that is to ring, for an offer or for a consultation."""

    offer_id: OfferId
    agent_id: AgentId
    extension: Extension
    ring_timeout_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that is live now."""

    calls: tuple[LiveCall, ...]
    phones: tuple[PhoneState, ...]
    uptime_s: float | None = None
    """How long the softswitch has been running: no call that is older lives in it. None when it does not say."""


class Softswitch(Protocol):
    """A softswitch that holds callers and moves them where the server decides."""

    @property
    def connected(self) -> bool:
        """Logged in and answering."""

    async def start(self, handler: Callable[[SwitchEvent], None]) -> None:
        """Begin connecting, and keep reconnecting; events go to ``handler``, in order, never concurrently."""

    async def stop(self) -> None:
        """Disconnect. Calls go on in the softswitch."""

    async def snapshot(self) -> Snapshot:
        """All live calls and phones."""

    async def past_calls(self) -> Sequence[PastCall]:
        """The calls that ended since `forget_past_calls`, the earliest end first; none where they cannot be read."""

    async def forget_past_calls(self, booked: Set[ContactId]) -> None:
        """These are booked: they need not be told again."""

    async def wait(self, contact_id: ContactId, waiting: Waiting, collected: Mapping[str, str] | None) -> None:
        """Write the place in line on the channel; the caller hears music once its menu has let go of it.

        Without ``collected`` what is written there already stays.
        """

    async def connect(self, contact_id: ContactId, delivery: Delivery) -> None:
        """Ring the agent for this caller, atomically: from here the call goes on even if the server dies."""

    async def transfer(self, contact_id: ContactId, waiting: Waiting) -> None:
        """Bring a caller who talks back into line, atomically: the place is theirs, the agent's leg ends; or neither.

        `AgentLeft` tells when the caller hears the music; what was collected stays on the channel. A held caller may
        be transferred, too.
        """

    # The next are for a caller whom an agent has. What each did is told by an event; a command that is given before
    # the event of the last one has come may cross with it.

    async def hold(self, contact_id: ContactId) -> None:
        """The caller hears music, the agent waits: `CallerHeld`."""

    async def resume(self, contact_id: ContactId) -> None:
        """Out of a hold, or back from a consultation, whose second leg ends: `CallerJoined`."""

    async def consult(self, contact_id: ContactId, delivery: Delivery) -> None:
        """A second agent's phone is called for the first, the caller hears music: `ConsultBegan`.

        When nobody answers, or the second hangs up, the caller is back with the first: `ConsultOver`, `CallerJoined`.
        """

    async def complete(self, contact_id: ContactId) -> None:
        """The consulted agent takes the caller over, the first is free: `AgentLeft`, `CallerJoined`."""

    async def conference(self, contact_id: ContactId) -> None:
        """The caller joins the two who talk: `ConferenceBegan`; when one agent leaves, the other two talk on."""

    async def note_served(self, contact_id: ContactId) -> None:
        """Write on the channel that the menu has given the caller what they asked for."""

    async def finish(self, contact_id: ContactId) -> None:
        """Let the dialplan end the call once its menu has let go of it."""

    async def hang_up(self, contact_id: ContactId) -> None:
        """End the call now."""
