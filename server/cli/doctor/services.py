"""The doctor on what the server talks to: the database, Redis, and the server itself."""

import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from acd.store.port import StoreError
from acd.store.redis_store import RedisStore
from server.cli.doctor.finding import Missing
from server.cli.run import run
from switchroom.domain.errors import NotReady
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.settings import Settings
from switchroom.storage.database import Database
from switchroom.storage.outbox import refused
from switchroom.storage.readiness import Writable


def database(settings: Settings) -> str:
    url = make_url(settings.database)
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database and not Path(url.database).exists():
        return f"SQLite, made at the first start in {Path(url.database).parent}"
    try:
        version = run(_database_version(settings, sqlite))
    except NotReady as error:
        raise Missing(f"{'SQLite' if sqlite else 'PostgreSQL'} {error}; check SWITCHROOM_DATABASE_URL") from None
    return f"{'SQLite' if sqlite else 'PostgreSQL'} {version}, writable"


def refused_tickets(settings: Settings) -> Iterable[str]:
    """A note when the ticketing system refused tickets for good: nobody asks for them again."""
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        return
    with suppress(SQLAlchemyError, OSError):  # the check of the database says what is the matter
        if count := run(_refused(settings)):
            yield f"{count} tickets were refused for good; the contacts' stories say why (switchroom.ticket.failed)"


def redis(settings: Settings) -> str:
    if settings.redis_url is None:
        return "none is set, and one server needs none"
    try:
        return f"Redis {run(_redis_version(settings.redis_url.get_secret_value()))}, writable"
    except (StoreError, ValueError) as error:
        reason = str(error) if isinstance(error, StoreError) else "its address is not usable"
        raise Missing(f"{reason}; check SWITCHROOM_REDIS_URL") from None


def server(settings: Settings) -> str:
    url = f"http://{settings.http.host}:{settings.http.port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # our own address, from the settings
            return f"alive at {url}" if answer.status == 200 else f"answered {answer.status}"
    except OSError as error:
        raise Missing(f"{url} does not answer ({error}); run script/server") from None


async def _database_version(settings: Settings, sqlite: bool) -> str:
    writable = Writable(settings.database, settings.server_name, SystemClock())
    database = Database(settings.database)
    try:
        await writable.check()
        async with database.read() as connection:
            asked = await connection.exec_driver_sql("SELECT sqlite_version()" if sqlite else "SHOW server_version")
            return str(asked.scalar_one()).split()[0]
    finally:
        await writable.close()
        await database.close()


async def _refused(found: Settings) -> int:
    database = Database(found.database)
    try:
        return await refused(database)
    finally:
        await database.close()


async def _redis_version(url: str) -> str:
    store = RedisStore(url)
    try:
        return await store.version()
    finally:
        await store.close()
