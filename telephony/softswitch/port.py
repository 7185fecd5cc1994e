"""What the server wants of a softswitch, in the server's own words.

Asterisk's words (channel, uniqueid, linkedid, context) stay behind this port. Happenings come as
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
    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAnswered(SwitchEvent):
    """``at`` is when, if that is long ago."""

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
    """The talk is over, and its recording is completely written.

    The caller waits again after `Softswitch.transfer`; otherwise `CallerLeft` follows. ``at`` is when, if that is long
    ago.
    """

    contact_id: ContactId
    offer_id: OfferId
    agent_id: AgentId
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerLeft(SwitchEvent):
    """The caller's leg is gone: the call is over, and its recordings (if any) are completely written."""

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
    LEAVING = "leaving"


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
    """Since when they talk, if they do."""
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
    """The caller was transferred out of the last talk, and gave up in line."""
    served: bool = False
    """The menu had given the caller what they asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An offer on its way to the agent's phone."""

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
        """Bring a caller who talks back into line, atomically: the place is written, the agent's leg ends.

        `AgentLeft` tells when the caller hears the music; what was collected stays on the channel.
        """

    async def note_served(self, contact_id: ContactId) -> None:
        """Write on the channel that the menu has given the caller what they asked for."""

    async def finish(self, contact_id: ContactId) -> None:
        """Let the dialplan end the call once its menu has let go of it."""

    async def hang_up(self, contact_id: ContactId) -> None:
        """End the call now."""
