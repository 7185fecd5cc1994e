"""``switchroom retention``: delete what has been kept long enough, now."""

from collections.abc import Mapping
from typing import Annotated

import typer

from server import housekeeping
from server.cli.run import ledger, read_settings, run
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.settings import Settings
from switchroom.storage.retention import Kind


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due, and delete nothing.")] = False,
) -> None:
    """Delete what has been kept as long as the settings say (`retention`); a server does it by itself each day.

    It may go on meanwhile. What is under a legal hold stays.
    """
    settings = read_settings()
    counts = run(_retention(settings, dry_run=dry_run))
    for kind, count in counts.items():
        days: int = getattr(settings.retention, f"{kind}_days")
        kept = f"kept {days} days" if days else "kept for ever"
        typer.echo(f"{kind:14} {count:>9} {'due' if dry_run else 'deleted'}, {kept}")


async def _retention(settings: Settings, *, dry_run: bool) -> Mapping[Kind, int]:
    async with ledger(settings) as database:
        now = SystemClock().now()
        counts = await housekeeping.retention(settings, database, dry_run=dry_run).run(now)
        if not dry_run:
            await housekeeping.finished(database, settings, now, counts)
        return counts
