"""``switchroom db …``: the ledger's tables and the demonstration data."""

import typer

from server.cli.run import ledger, read_settings, run
from switchroom.runtime.clock import SystemClock
from switchroom.storage.seed import seed_demo

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


async def _upgrade(*, demo: bool) -> None:
    async with ledger(read_settings()) as database:
        if demo:
            await seed_demo(database, SystemClock().now())
