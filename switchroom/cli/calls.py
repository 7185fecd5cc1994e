"""``switchroom calls …``: what happened to a call."""

import typer

from switchroom.cli.run import CommandError, ledger, run, settings
from switchroom.domain.ids import CallId
from switchroom.storage.event_log import EventLog, LoggedEvent

app = typer.Typer(help="Calls.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Calls."""


@app.command()
def show(call_id: str) -> None:
    """Print a call's timeline: every event, with its time since the call came in."""
    events = run(_events(CallId(call_id)))
    if not events:
        raise CommandError(f"no call {call_id}")
    for event in events:
        elapsed = (event.at - events[0].at).total_seconds()
        shown = {key: value for key, value in event.data.items() if key not in HIDDEN and value not in (None, {}, "")}
        details = " ".join(f"{key}={value}" for key, value in shown.items())
        typer.echo(f"{elapsed:9.3f} s  {event.type.removeprefix('switchroom.'):22} {details}")


HIDDEN = {"at", "call_id", "decision"}


async def _events(call_id: CallId) -> list[LoggedEvent]:
    async with ledger(settings()) as database:
        return list(await EventLog(database).of_call(call_id))
