"""What every command needs: settings, and errors said in one sentence."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from softswitch_config.errors import SoftswitchConfigError
from switchroom.domain.errors import Refused
from switchroom.settings import Settings, SettingsError
from switchroom.yamlfile import YamlError

T = TypeVar("T")


class CommandError(Exception):
    """A command cannot do what was asked; the text is one sentence for the person at the keyboard."""


EXPECTED = (CommandError, SettingsError, SoftswitchConfigError, YamlError, Refused, ValidationError)


class OneLineErrors(TyperGroup):
    """Expected errors end a command with their text and exit code 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EXPECTED as error:
            typer.echo(f"switchroom: {_text(error)}", err=True)
            raise typer.Exit(1) from None


def _text(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"setting `{'.'.join(map(str, e['loc']))}`: {e['msg']}" for e in error.errors())
    return str(error)


def settings() -> Settings:
    """The settings of this process; a wrong one is named."""
    return Settings()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)
