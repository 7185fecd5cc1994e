"""``switchroom acd …``: why a call went where it went."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from acd.explain import sentences
from switchroom.cli.run import CommandError, ledger, run, settings
from switchroom.domain.ids import CallId
from switchroom.storage.event_log import EventLog

app = typer.Typer(help="Routing.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Routing."""


@app.command()
def explain(
    call_id: str, language: Annotated[Literal["zh-CN", "en-US"], typer.Option(help="zh-CN or en-US")] = "zh-CN"
) -> None:
    """Say in plain words why an agent was chosen for a call, or why it waited."""
    decisions = run(_decisions(CallId(call_id)))
    if not decisions:
        raise CommandError(f"nothing was decided about a call {call_id}")
    for decision in decisions:
        for line in sentences(decision, language):
            typer.echo(line)


async def _decisions(call_id: CallId) -> list[Mapping[str, Any]]:
    async with ledger(settings()) as database:
        return list(await EventLog(database).decisions(call_id))
