"""``switchroom bench …``: what things cost, as ratios against a peer in the same run."""

import asyncio
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from acd.benchmarks import lives
from acd.benchmarks.routing import AGENTS, PROFILES, measure, measure_service
from server.benchmarks.ledger import measure as measure_ledger
from server.benchmarks.live import HELD_MS
from server.benchmarks.live import measure as measure_live

app = typer.Typer(help="Benchmarks.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Benchmarks."""


@app.command("acd-core")
def acd_core(
    contacts: Annotated[int, typer.Option(help="Contacts in each run.", min=1000, max=10_000_000)] = 30_000,
) -> None:
    """Whole lives of contacts through the ACD's core, in virtual time."""
    typer.echo("   agents   contacts/s   us each   longest line")
    for agents in (20, 100, 1000):
        found = lives.measure(agents, contacts)
        each_us = 1e6 / found.contacts_per_s
        typer.echo(f"{agents:>9} {found.contacts_per_s:>12.0f} {each_us:>9.1f} {found.longest_line:>14}")


@app.command()
def routing(
    decisions: Annotated[int, typer.Option(help="Decisions a run.", min=200, max=200_000)] = 5000,
    longest: Annotated[int, typer.Option(help="The longest line.", min=100, max=100_000)] = 100_000,
) -> None:
    """A routing decision by the index, against a scan of everybody who waits; then in the running service."""
    typer.echo(f"{AGENTS} agents, {PROFILES} skill profiles; microseconds, medians of 5 alternating runs")
    typer.echo("bare  waiting  joining    p99  freeing    p99     scan    ratio")
    for waiting in _lines(longest):
        bare = measure(waiting, decisions)
        typer.echo(
            f"{waiting:>13} {bare.joining_us:>8.1f} {bare.joining_p99_us:>6.1f} {bare.freeing_us:>8.1f}"
            f" {bare.freeing_p99_us:>6.1f} {bare.scan_us:>8.0f} {bare.ratio:>7.0f}×"
        )
    typer.echo("in the service, with everything that it does for a decision")
    for waiting in _lines(longest):
        found = measure_service(waiting, decisions)
        typer.echo(
            f"{waiting:>13} {found.joining_us:>8.1f} {found.joining_p99_us:>6.1f} {found.freeing_us:>8.1f}"
            f" {found.freeing_p99_us:>6.1f}"
        )


def _lines(longest: int) -> list[int]:
    return [10**power for power in range(2, 6) if 10**power <= longest]


@app.command()
def ledger(
    calls: Annotated[int, typer.Option(help="Whole calls a run.", min=1, max=100_000)] = 300,
    runs: Annotated[int, typer.Option(help="Runs, one after the other.", min=1, max=100)] = 5,
    database_url: Annotated[str | None, typer.Option(help="Without one, a new SQLite file for each run.")] = None,
) -> None:
    """How many events a second are written down, and how long the event loop is held by it."""
    typer.echo("   events   events/s   loop held p99")
    for _ in range(runs):
        with TemporaryDirectory() as folder:
            url = database_url or f"sqlite+aiosqlite:///{folder}/bench.db"
            found = asyncio.run(measure_ledger(url, calls))
        typer.echo(f"{found.events:>9} {found.events_per_s:>10.0f} {found.held_p99_ms:>12.1f} ms")


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
