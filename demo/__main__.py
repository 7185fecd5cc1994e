"""``script/demo`` and ``script/server``: the whole system with the demonstration's data, and real calls through it."""

import asyncio
import json
import math
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.accounts import DemoAccounts
from demo.desk import Desk, DeskError
from demo.people import Stage
from demo.report import Check, as_call, checks, gather, to_json
from demo.scenario import Play
from demo.softphone import SoftphoneError
from demo.system import System
from demo.timeline import Timeline, masked
from demo.voices import record_voices
from server.cli.run import EXPECTED, one_line, read_settings
from switchroom.runtime.home import keep_private
from switchroom.runtime.settings import Settings
from switchroom.runtime.telemetry import configure_logging

FAILURES: tuple[type[Exception], ...] = (*EXPECTED, DeskError, SoftphoneError, TimeoutError)

console = Console(highlight=False)


def main(
    once: Annotated[bool, typer.Option("--once", help="End after the demo calls.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what happened to this file.")] = None,
    no_calls: Annotated[bool, typer.Option("--no-calls", help="Only the system, without calls.")] = False,
) -> None:
    """Start the whole system and let real calls run through it. Exit code 0 only if every check held."""
    keep_private()
    try:
        held = asyncio.run(_run(once=once, json_file=json_file, with_calls=not no_calls))
    except FAILURES as error:
        console.print(f"demo: {one_line(error)}", style="red", markup=False)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if held else 1)


async def _run(*, once: bool, json_file: Path | None, with_calls: bool) -> bool:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    settings = read_settings(log_format="console", log_level="warning")
    configure_logging(settings)
    system = System(settings)
    held = True
    try:
        console.print("starting Asterisk and the server …", style="dim")
        accounts = await system.start()
        if with_calls:
            held = await _until(told_to_stop, _perform(settings, accounts, json_file))
        if not (with_calls and once):
            _print_accounts(accounts)
            await told_to_stop.wait()
    finally:
        await system.stop()
    return held


async def _until(told_to_stop: asyncio.Event, performance: Coroutine[Any, Any, bool]) -> bool:
    """The performance's result; False when it was told to stop before its end."""
    task = asyncio.create_task(performance)
    stop = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    return task.result()


async def _perform(settings: Settings, accounts: DemoAccounts, json_file: Path | None) -> bool:
    voices = await asyncio.to_thread(record_voices, settings.home / "demo-voices")
    stage = Stage(accounts, voices)
    try:
        board = await stage.supervisor()
        play = Play(stage, board)
        timeline = Timeline(console, play.part_of)
        board.on_told = lambda told: timeline.show(told.type, told.data)
        await play.everything()
        stories = await gather(play)
        names = {part: await _customer_name(board, story) for part, story in stories.items()}
    finally:
        await stage.close()
    calls = {part: as_call(story, names[part], settings.recordings) for part, story in stories.items()}
    found = checks(calls, play)
    _print_results(calls, found)
    if json_file is not None:
        text = json.dumps(to_json(list(calls.values()), found), ensure_ascii=False, indent=1)
        await asyncio.to_thread(json_file.write_text, text, encoding="utf-8")
    return all(check.ok for check in found)


async def _customer_name(board: Desk, story: dict[str, Any]) -> str | None:
    customer_id = story["call"]["customer_id"]
    if customer_id is None:
        return None
    return str((await board.get(f"customers/{customer_id}"))["customer"]["name"])


def _print_results(calls: dict[str, dict[str, Any]], found: list[Check]) -> None:
    heads = ("", "caller", "tier", "outcome", "agent", "ticket", "recording, dBFS")
    table = Table(*heads, box=None, header_style="dim", pad_edge=False, padding=(0, 1))
    for column in table.columns:
        column.no_wrap = True
    for part, call in sorted(calls.items()):
        recording = call["recording"]
        table.add_row(
            part,
            masked(call["caller"]),
            call["tier"],
            call["outcome"],
            call["agent"] or "",
            f"#{call['ticket_id']}" if call["ticket_id"] else "",
            f"{recording['seconds']:4.1f} s {_dbfs(recording['left_rms'])}/{_dbfs(recording['right_rms'])}"
            if recording
            else "",
        )
    console.print()
    console.print(table)
    console.print()
    for check in found:
        mark, style = ("✓", "green") if check.ok else ("✗", "bold red")
        console.print(f"{mark} {check.name}  [dim]{escape(check.detail)}[/dim]", style=style, soft_wrap=True)
    folders = {str(Path(call["recording"]["path"]).parent) for call in calls.values() if call["recording"]}
    for folder in sorted(folders):
        console.print(f"\nrecordings  {folder}", soft_wrap=True)


def _dbfs(rms: float) -> str:
    """A level for people, relative to full scale."""
    return f"{20 * math.log10(rms):.0f}" if rms > 0 else "-∞"


def _print_accounts(accounts: DemoAccounts) -> None:
    table = Table("agent", "name", "desktop login", "password", "SIP password", box=None, header_style="dim")
    for one in accounts.agents:
        table.add_row(one.agent, one.name, one.login, one.password, one.sip_password)
    table.add_row("", "supervisor", accounts.supervisor_login, accounts.supervisor_password, "")
    console.print(f"\ndesktop   {accounts.http}/desktop")
    console.print(f"SIP       {accounts.sip} (UDP); the SIP user is the agent's number")
    console.print(table)
    console.print("Ctrl-C ends everything.", style="dim")


if __name__ == "__main__":
    typer.run(main)
