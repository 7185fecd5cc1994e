"""``switchroom contacts …``: what happened to a contact."""

import typer

from server.cli.run import CommandError, ledger, read_settings, run
from switchroom.domain.ids import ContactId
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


HIDDEN = {"at", "contact_id", "decision"}


async def _events(contact_id: ContactId) -> list[LoggedEvent]:
    async with ledger(read_settings()) as database:
        return list(await EventLog(database).of_call(contact_id))
