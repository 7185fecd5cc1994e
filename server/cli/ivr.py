"""``switchroom ivr …``: the menus that supervisors write."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from acd.config import load_config
from ivr.language.loader import lint_files
from ivr.language.schema import schema_text
from ivr.speech.engines import vocabulary
from server.adapters import surroundings
from server.cli.run import CommandError, read_settings
from switchroom.brands import load_brands

app = typer.Typer(help="Menus.", no_args_is_help=True)


@app.command()
def lint(
    files: Annotated[list[Path] | None, typer.Argument(help="Menu files; all of them when none is named.")] = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="text for people, json for tools")] = "text",
) -> None:
    """Check menus: `file:line:col CODE message`, exit code 1 if there is an error."""
    settings = read_settings()
    paths = files or sorted((settings.dialplans / "menus").glob("*.yaml"))
    for path in paths:
        if not path.is_file():
            raise CommandError(f"{path}: there is no such file")
    fitting = surroundings(load_config(settings.dialplans), load_brands(settings.dialplans), settings.lookups)
    findings = lint_files(paths, settings.dialplans / "prompts", vocabulary(settings), fitting)
    if format == "json":
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            typer.echo(str(finding))
        typer.echo(f"{len(paths)} menus, {len(findings)} findings")
    raise typer.Exit(any(finding.severity == "error" for finding in findings))


@app.command()
def schema() -> None:
    """Print the JSON Schema of menus, for editors."""
    typer.echo(schema_text())
