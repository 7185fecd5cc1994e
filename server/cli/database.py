"""``switchroom db …``: the ledger's tables and the demonstration data."""

import typer

from server.cli.run import CommandError, ledger, read_settings, run
from switchroom.runtime.clock import SystemClock
from switchroom.storage.rebuild import rebuild as rebuild_tables
from switchroom.storage.seed import seed_demo
from switchroom.wire import WireError

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the tables to the newest version; may be repeated."""
    run(_upgrade(demo=False))
    typer.echo("database: up to date")


@app.command()
def seed() -> None:
    """Add the customers, orders and former contacts of the demonstration; may be repeated."""
    run(_upgrade(demo=True))
    typer.echo("database: demonstration data added")


@app.command()
def rebuild() -> None:
    """Make contacts, recordings, presence and the days' visits anew from the event log; a running server may go on."""
    typer.echo(f"database: made anew from {run(_rebuild())} events")


async def _rebuild() -> int:
    try:
        settings = read_settings()
        async with ledger(settings) as database:
            return await rebuild_tables(database, settings.zone)
    except WireError as error:
        raise CommandError(f"the log cannot be read, nothing was changed: {error}") from error


async def _upgrade(*, demo: bool) -> None:
    async with ledger(read_settings()) as database:
        if demo:
            await seed_demo(database, SystemClock().now())
