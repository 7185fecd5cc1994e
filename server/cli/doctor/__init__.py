"""``switchroom doctor``: what is missing, and how it is mended. Exit code 1 if something is."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from server.cli.doctor import files, services, softswitch
from server.cli.doctor.finding import Check, Finding, Missing
from server.cli.run import EXPECTED, one_line, read_settings
from switchroom.runtime.settings import Settings

CHECKS: tuple[tuple[str, Check], ...] = (
    ("asterisk", softswitch.asterisk),
    ("carriers", softswitch.carriers),
    ("calls", softswitch.calls),
    ("database", services.database),
    ("redis", services.redis),
    ("dialplans", files.dialplans),
    ("menus", files.menus),
    ("synthesis", files.synthesis),
    ("desktop", files.desktop),
)
FAILURES: tuple[type[Exception], ...] = (Missing, *EXPECTED)
ALIVE: tuple[tuple[str, Check], ...] = (("server", services.server),)


def doctor(
    alive: Annotated[bool, typer.Option("--alive", help="Only ask whether the server is alive.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="text for people, json for tools")] = "text",
) -> None:
    """Check everything that the server needs; each line says what was found, or what is missing and the fix."""
    try:
        settings = read_settings()
    except EXPECTED as error:
        findings, notes = [Finding("settings", False, one_line(error))], []
    else:
        findings = [_examine(name, check, settings) for name, check in (ALIVE if alive else CHECKS)]
        notes = (
            []
            if alive
            else [
                *softswitch.known_defects(settings),
                *files.speech(settings),
                *services.refused_tickets(settings),
            ]
        )
    healthy = all(finding.ok for finding in findings)
    if format == "json":
        told = {"ok": healthy, "checks": [asdict(finding) for finding in findings], "notes": notes}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _print(findings, notes)
    raise typer.Exit(0 if healthy else 1)


def _examine(name: str, check: Check, settings: Settings) -> Finding:
    try:
        return Finding(name, True, check(settings))
    except FAILURES as error:
        return Finding(name, False, one_line(error))


def _print(findings: Sequence[Finding], notes: Iterable[str]) -> None:
    for finding in findings:
        typer.echo(f"{'ok      ' if finding.ok else 'MISSING '} {finding.name}: {finding.detail}")
    for note in notes:
        typer.echo(f"         {note}")
