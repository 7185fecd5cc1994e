"""Legal holds: what is held is neither erased nor outlived by its retention, until the hold is released or ends."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from switchroom.domain.errors import Refused


class HoldSubject(StrEnum):
    """What is held: a customer with all their contacts, or one contact."""

    CUSTOMER = "customer"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold in force. Without ``until`` it lasts until somebody releases it; ``placed_by`` is a login."""

    subject: HoldSubject
    subject_id: str
    reason: str
    placed_by: str
    placed_at: datetime
    until: datetime | None = None


class Held(Refused):
    """Something is under a legal hold; the text says which, until when, and what to do."""

    def __init__(self, hold: Hold) -> None:
        until = f"until {hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else "until it is released"
        super().__init__(
            f"{hold.subject} {hold.subject_id} is under a legal hold {until} ({hold.reason};"
            f" placed by {hold.placed_by} on {hold.placed_at:%Y-%m-%d}): release the hold first"
        )
        self.hold = hold
