"""``switchroom acd …``: why a call went where it went."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from acd.config import load_config
from acd.explain import sentences
from server.cli.run import CommandError, ledger, read_settings, run
from server.why import Why
from switchroom.domain.ids import ContactId

app = typer.Typer(help="Routing.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Routing."""


@app.command()
def explain(
    contact_id: str, language: Annotated[Literal["zh-CN", "en-US"], typer.Option(help="zh-CN or en-US")] = "zh-CN"
) -> None:
    """Say in plain words why an agent was chosen for a call, or why it waited."""
    decisions = run(_decisions(ContactId(contact_id)))
    if not decisions:
        raise CommandError(f"nothing was decided about a call {contact_id}")
    for decision in decisions:
        for line in sentences(decision, language):
            typer.echo(line)


async def _decisions(contact_id: ContactId) -> Sequence[Mapping[str, Any]]:
    settings = read_settings()
    config = load_config(settings.dialplans)
    async with ledger(settings) as database:
        return await Why(database, config).decisions(contact_id)
