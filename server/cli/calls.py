"""``switchroom calls …``: a call placed by hand."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from server.cli.run import CommandError, read_settings

if TYPE_CHECKING:
    from demo.by_hand import Outcome

app = typer.Typer(help="Calls.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Calls."""


@app.command()
def test(
    number: Annotated[str, typer.Argument(help="One of the numbers that the menus answer.")],
    keys: Annotated[
        str, typer.Option(help="Keys, as 1,20260105#: each group is pressed when the prompt before it is over.")
    ] = "",
    say: Annotated[Path | None, typer.Option(help="A WAV file to be said after the keys.")] = None,
    hold: Annotated[float, typer.Option(min=0, help="Seconds to stay on the line after that.")] = 5.0,
    record: Annotated[Path | None, typer.Option(help="Write what is heard to this WAV file.")] = None,
    caller: Annotated[str, typer.Option(help="The caller's number.")] = "13800138000",
    format: Annotated[Literal["text", "json"], typer.Option(help="text for people, json for tools")] = "text",
) -> None:
    """Call a number from the carrier's address, and tell what was heard. Exit code 1 when it was not answered."""
    try:
        from demo.by_hand import Plan, place
        from demo.softphone import SoftphoneError
    except ImportError:
        raise CommandError("a softphone is needed for this: pip install 'switchroom[phone]'") from None
    groups = [group for group in keys.replace(" ", "").split(",") if group]
    if wrong := set("".join(groups)) - set("0123456789*#ABCD"):
        raise typer.BadParameter(f"{''.join(sorted(wrong))}: keys are 0-9, *, # and A-D", param_hint="--keys")
    if say is not None and not say.is_file():
        raise typer.BadParameter(f"{say}: there is no such file", param_hint="--say")
    settings = read_settings()
    carrier = settings.sip.carriers[0] if settings.sip.carriers else "127.0.0.2"
    plan = Plan(keys=groups, say=say, hold_s=hold, record=record)
    try:
        outcome = place((settings.sip.host, settings.sip.port), number, plan, caller=caller, bind=carrier)
    except OSError as error:
        raise CommandError(f"cannot call from the carrier's address {carrier}: {error.strerror}") from None
    except (SoftphoneError, ValueError) as error:
        raise CommandError(str(error)) from None
    typer.echo(json.dumps(asdict(outcome), ensure_ascii=False, indent=1) if format == "json" else _told(outcome))
    raise typer.Exit(0 if outcome.answered else 1)


def _told(outcome: "Outcome") -> str:
    if not outcome.answered:
        why = f"refused ({outcome.status})" if outcome.status is not None else "no answer"
        return f"{outcome.number}: {why}"
    level = "" if outcome.level_dbfs is None else f" at {outcome.level_dbfs:.0f} dBFS"
    lines = [f"{outcome.number}: answered after {outcome.answered_after_s:.2f} s"]
    lines += [f"pressed {one.keys} after {one.at_s:.1f} s" for one in outcome.sent]
    lines += [
        f"heard {outcome.heard_s:.1f} s of sound{level}, the longest silence {outcome.longest_silence_s:.1f} s",
        f"{outcome.ending} after {outcome.talked_s:.1f} s",
    ]
    return "\n".join(lines)
