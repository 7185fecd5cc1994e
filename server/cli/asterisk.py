"""``switchroom asterisk …``: the local Asterisk, which goes on when the server stops."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from acd.config import load_config
from ivr.language.loader import load
from server.cli.run import CommandError, read_settings
from softswitch_config.credentials import load_credentials
from softswitch_config.installation import Installation, bootstrap
from softswitch_config.local import LocalAsterisk
from softswitch_config.render import render
from switchroom.runtime.home import open_home
from switchroom.runtime.settings import Settings

app = typer.Typer(help="The local Asterisk.", no_args_is_help=True)


@app.command()
def start() -> None:
    """Write its configuration from settings, agents and menus, and start it; nothing happens if it runs."""
    asterisk = prepare(read_settings())
    asterisk.start()
    typer.echo("asterisk: running")


@app.command()
def stop() -> None:
    """End it, and the calls in it."""
    settings = read_settings()
    LocalAsterisk(settings, bootstrap(settings.asterisk.tree)).stop()
    typer.echo("asterisk: stopped")


@app.command()
def reload() -> None:
    """Write its configuration anew and let it take over new numbers and agents; live calls go on."""
    prepare(read_settings()).reload()
    typer.echo("asterisk: reloaded")


@app.command()
def install() -> None:
    """Bring Asterisk 22 into its folder, unless the machine has one that is new enough."""
    installation = bootstrap(read_settings().asterisk.tree)
    typer.echo(f"asterisk: {installation.command[-1]}")


@app.command()
def configure(
    modules: Annotated[Path, typer.Option(help="The folder of its modules, as that Asterisk sees it.")],
    data: Annotated[Path, typer.Option(help="The folder of its data, as that Asterisk sees it.")],
) -> None:
    """Write the configuration of an Asterisk that is run elsewhere on the same SWITCHROOM_HOME, as in a container."""
    etc = _configure(read_settings(), Installation(("asterisk",), modules, data))
    typer.echo(f"asterisk: configured in {etc}")


def prepare(settings: Settings) -> LocalAsterisk:
    """The local Asterisk with its configuration freshly written."""
    if settings.asterisk.mode != "local":
        raise CommandError("asterisk.mode is `remote`: that Asterisk is run elsewhere")
    installation = bootstrap(settings.asterisk.tree)
    _configure(settings, installation)
    return LocalAsterisk(settings, installation)


def _configure(settings: Settings, installation: Installation) -> Path:
    open_home(settings.home)
    config = load_config(settings.dialplans)
    menus = sorted((settings.dialplans / "menus").glob("*.yaml"))
    credentials = load_credentials(settings.secrets, config.phones)
    if settings.asterisk.ami_secret is not None:
        credentials = replace(credentials, ami_secret=settings.asterisk.ami_secret.get_secret_value())
    return render(
        settings,
        installation,
        credentials,
        phones=config.phones,
        numbers=sorted(number for path in menus for number in load(path)[0].menus.numbers),
        fallback_queue=config.fallback,
    )
