"""Placing and releasing legal holds, for the groups ``customers`` and ``contacts``."""

import os
import pwd
from datetime import datetime, timedelta
from typing import Annotated

import typer

from server.cli.run import CommandError, ledger
from switchroom.domain.hold import Hold, HoldSubject
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.settings import Settings
from switchroom.storage.holds import Holds

Reason = Annotated[str, typer.Option(help="Why, as the court or the authority says it.")]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day of the hold; without it, until released.")
]


async def place(settings: Settings, subject: HoldSubject, subject_id: str, reason: str, until: datetime | None) -> Hold:
    """Hold it until the end of the business's day ``until``. Raises `CommandError`."""
    now = SystemClock().now()
    end = None if until is None else (until + timedelta(days=1)).replace(tzinfo=settings.zone)
    if not reason.strip():
        raise CommandError("a hold needs a reason")
    if end is not None and end <= now:
        raise CommandError("the hold would be over already")
    hold = Hold(subject=subject, subject_id=subject_id, reason=reason, placed_by=_operator(), placed_at=now, until=end)
    async with ledger(settings) as database:
        await Holds(database).place(hold)
    return hold


async def release(settings: Settings, subject: HoldSubject, subject_id: str) -> None:
    """Raises `CommandError` when there is no hold."""
    async with ledger(settings) as database:
        if not await Holds(database).release(subject, subject_id, by=_operator(), at=SystemClock().now()):
            raise CommandError(f"there is no hold on {subject} {subject_id}")


def _operator() -> str:
    uid = os.getuid()
    try:
        return f"command:{pwd.getpwuid(uid).pw_name}"
    except KeyError:  # as in a container
        return f"command:{uid}"
