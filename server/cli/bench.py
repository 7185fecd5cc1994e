"""``switchroom bench …``: what things cost, as ratios against a peer in the same run."""

from typing import Annotated

import typer

from acd.benchmark import AGENTS, PROFILES, measure
from server.benchmarks.live import HELD_MS
from server.benchmarks.live import measure as measure_live

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


@app.command()
def live(
    desktops: Annotated[int, typer.Option(help="Desktops that listen.", min=1, max=5000)] = 1000,
    waiting: Annotated[int, typer.Option(help="Callers in line.", min=0, max=100_000)] = 10_000,
    calls: Annotated[int, typer.Option(help="Calls that join, and that are served, a second.", min=1, max=200)] = 50,
    seconds: Annotated[int, typer.Option(help="How long.", min=1, max=300)] = 20,
) -> None:
    """How long the event loop is held while many desktops listen to a long line; exit code 1 above 20 ms of CPU."""
    typer.echo(f"{desktops} desktops, {waiting} waiting, {calls} calls a second, {seconds} s; building …")
    found = measure_live(desktops, waiting, calls, seconds)
    typer.echo(
        f"loop held    {found.held_p999_ms:.1f} ms at p99.9, {found.held_longest_ms:.1f} ms at the longest"
        f" ({found.held_longest_cpu_ms:.1f} ms of CPU); {found.held_too_long} times above {HELD_MS:.0f} ms"
    )
    typer.echo(
        f"pops         {found.pops}: {found.pop_p50_ms:.1f} ms p50, {found.pop_p99_ms:.1f} ms p99 to the desktop"
    )
    typer.echo(f"sent         {found.bytes_per_desktop_s:.0f} bytes a second to each desktop")
    raise typer.Exit(found.held_longest_cpu_ms > HELD_MS)
