"""``switchroom contacts …``: what happened to a contact."""

from datetime import datetime

import typer

from server.cli import holding
from server.cli.holding import Reason, Until
from server.cli.run import CommandError, ledger, read_settings, run
from switchroom.domain.hold import HoldSubject
from switchroom.domain.ids import ContactId
from switchroom.runtime.settings import Settings
from switchroom.storage.contacts import Contacts
from switchroom.storage.event_log import EventLog, LoggedEvent

app = typer.Typer(help="Contacts.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Contacts."""


@app.command()
def show(contact_id: str) -> None:
    """Print a contact's timeline: every event, with its time since the contact came in."""
    events = run(_events(ContactId(contact_id)))
    if not events:
        raise CommandError(f"no contact {contact_id}")
    for event in events:
        elapsed = (event.at - events[0].at).total_seconds()
        shown = {key: value for key, value in event.data.items() if key not in HIDDEN and value not in (None, {}, "")}
        details = " ".join(f"{key}={value}" for key, value in shown.items())
        typer.echo(f"{elapsed:9.3f} s  {event.type.removeprefix('switchroom.'):22} {details}")


@app.command()
def hold(contact_id: str, reason: Reason, until: Until = None) -> None:
    """Place a legal hold: nothing of the contact is erased or outlived by its retention."""
    run(_hold(read_settings(), ContactId(contact_id), reason, until))
    typer.echo(f"contact {contact_id}: held")


@app.command()
def release(contact_id: str) -> None:
    """Release a legal hold."""
    run(holding.release(read_settings(), HoldSubject.CONTACT, contact_id))
    typer.echo(f"contact {contact_id}: released")


HIDDEN = {"at", "contact_id", "decision"}


async def _hold(settings: Settings, contact_id: ContactId, reason: str, until: datetime | None) -> None:
    async with ledger(settings) as database:
        if await Contacts(database).get(contact_id) is None:
            raise CommandError(f"no contact {contact_id}")
    await holding.place(settings, HoldSubject.CONTACT, contact_id, reason, until)


async def _events(contact_id: ContactId) -> list[LoggedEvent]:
    async with ledger(read_settings()) as database:
        return list(await EventLog(database).of_contact(contact_id))
