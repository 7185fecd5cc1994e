"""``switchroom doctor``: what is missing, and how it is mended. Exit code 1 if something is."""

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from acd.config import load_config
from ivr.language.loader import lint_files
from softswitch_config import installation
from softswitch_config.errors import SoftswitchConfigError
from switchroom.cli.run import run, settings
from switchroom.settings import Settings
from switchroom.storage.database import Database
from switchroom.yamlfile import YamlError

Check = Callable[[Settings], str]


class Missing(Exception):
    """Something is not as it must be; the text says what, and the fix."""


def doctor(
    alive: Annotated[bool, typer.Option("--alive", help="Only ask whether the server is alive.")] = False,
) -> None:
    """Check everything that the server needs; each line says what was found, or what is missing and the fix."""
    found = settings()
    failed = False
    for name, check in (("server", _server),) if alive else CHECKS:
        try:
            typer.echo(f"ok       {name}: {check(found)}")
        except (Missing, YamlError, SoftswitchConfigError) as error:
            failed = True
            typer.echo(f"MISSING  {name}: {error}")
    if not alive:
        for line in _speech(found):
            typer.echo(f"         {line}")
    raise typer.Exit(1 if failed else 0)


def _asterisk(found: Settings) -> str:
    if found.asterisk.mode == "remote":
        return f"remote, at {found.asterisk.ami_host}:{found.asterisk.ami_port}"
    here = installation.find(found.asterisk.tree)
    if here is None:
        raise Missing(f"no Asterisk of 22.8 or newer here or in {found.asterisk.tree}; run script/setup")
    version = installation.version(here.command)
    return f"Asterisk {version[0]}.{version[1]}" if version else "found"


def _synthesis(found: Settings) -> str:
    if shutil.which("espeak-ng") is None:
        raise Missing("espeak-ng is not installed; run `apt-get install espeak-ng`")
    return "espeak-ng"


def _database(found: Settings) -> str:
    async def check() -> None:
        database = Database(found.database)
        try:
            await database.check()
        finally:
            await database.close()

    try:
        run(check())
    except Exception as error:
        raise Missing(f"does not answer ({type(error).__name__}); check SWITCHROOM_DATABASE_URL") from error
    return "PostgreSQL" if found.database.startswith("postgresql") else f"SQLite in {found.home}"


def _desktop(found: Settings) -> str:
    if not (Path(__file__).parents[2] / "cti_bridge" / "desktop" / "dist" / "index.html").exists():
        raise Missing("is not built; run script/setup")
    return "built"


def _agents(found: Settings) -> str:
    config = load_config(found.dialplans)
    return f"{len(config.agents)} agents, {len(config.queues)} queues"


def _menus(found: Settings) -> str:
    files = sorted((found.dialplans / "menus").glob("*.yaml"))
    errors = [finding for finding in lint_files(files) if finding.severity == "error"]
    if errors:
        raise Missing(f"{errors[0]}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""))
    return ", ".join(file.stem for file in files)


def _server(found: Settings) -> str:
    url = f"http://{found.http.host}:{found.http.port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # our own address, from the settings
            return f"alive at {url}" if answer.status == 200 else f"answered {answer.status}"
    except OSError as error:
        raise Missing(f"{url} does not answer ({error}); run script/server") from None


def _speech(found: Settings) -> Iterator[str]:
    """What callers may say, plainly."""
    yield "speech: English by pocketsphinx, without a download"
    for language, folder in found.speech.vosk_models.items():
        yield f"speech: {language} by Vosk, {folder}" + ("" if folder.is_dir() else ": THIS FOLDER IS NOT THERE")
    if not any(language.startswith("zh") for language in found.speech.vosk_models):
        yield "speech: no Chinese model, so Chinese callers use keys (docs/speech.md says how to add one)"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("asterisk", _asterisk),
    ("synthesis", _synthesis),
    ("database", _database),
    ("agents", _agents),
    ("menus", _menus),
    ("desktop", _desktop),
)
