"""``switchroom bench …``: what things cost, as ratios against a peer in the same run."""

from typing import Annotated

import typer

from acd.benchmark import AGENTS, PROFILES, measure

app = typer.Typer(help="Benchmarks.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Benchmarks."""


@app.command()
def routing(
    decisions: Annotated[int, typer.Option(help="Decisions a run.", min=200, max=200_000)] = 5000,
    longest: Annotated[int, typer.Option(help="The longest line.", min=100, max=100_000)] = 100_000,
) -> None:
    """A routing decision with an index by skill, against a scan of everybody who waits."""
    typer.echo(f"{AGENTS} agents, {PROFILES} skill profiles; medians of 5 alternating runs, in microseconds")
    typer.echo("   waiting     ours   p99     scan    ratio")
    waiting = 100
    while waiting <= longest:
        found = measure(waiting, decisions)
        typer.echo(
            f"{found.waiting:>10} {found.ours_us:>8.1f} {found.ours_p99_us:>5.1f}"
            f" {found.scan_us:>8.0f} {found.ratio:>7.0f}×"
        )
        waiting *= 10
