"""What every command needs: settings, and errors said in one sentence."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pydantic_settings
from pydantic import ValidationError

from softswitch_config.errors import SoftswitchConfigError
from switchroom.domain.errors import Refused
from switchroom.runtime.home import open_home
from switchroom.runtime.settings import Settings, SettingsError
from switchroom.runtime.yamlfile import YamlError
from switchroom.storage.database import Database

T = TypeVar("T")


class CommandError(Exception):
    """A command cannot do what was asked; the text is one sentence for the person at the keyboard."""


EXPECTED: tuple[type[Exception], ...] = (
    CommandError,
    SettingsError,
    SoftswitchConfigError,
    YamlError,
    Refused,
    ValidationError,
    OSError,
)


def one_line(error: Exception) -> str:
    """An expected error in one sentence."""
    if isinstance(error, ValidationError):
        return "; ".join(f"setting `{'.'.join(map(str, e['loc']))}`: {e['msg']}" for e in error.errors())
    return " ".join(str(error).split())


def read_settings(**fixed: Any) -> Settings:
    """The settings of this process, but for those that are ``fixed``; a wrong one is named."""
    try:
        return Settings(**fixed)
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f'{error}: lists and mappings are written as JSON, as ["198.51.100.7"]') from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def ledger(settings: Settings) -> AsyncIterator[Database]:
    """The database with its tables at the newest version, below a home that is ours alone."""
    open_home(settings.home)
    database = Database(settings.database)
    try:
        await database.upgrade()
        yield database
    finally:
        await database.close()
