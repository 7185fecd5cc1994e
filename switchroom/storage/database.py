"""The door to the database: one engine, read and write transactions, and the upsert that both dialects know."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Table, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from switchroom.runtime.settings import SettingsError

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_S = 5.0
"""How long a writer of SQLite waits for another."""
HUNG_S = 10
"""A transaction on PostgreSQL in which nothing is asked for this long is ended by it: a server that hangs while it
holds the log's lock must not stop the others' ledgers."""
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
"""Of SQLite. What is deleted is overwritten in the file too: who was erased is gone."""


class Database:
    """SQLite (WAL) or PostgreSQL behind SQLAlchemy's async URL, as ``sqlite+aiosqlite:///var/switchroom.db``."""

    def __init__(self, url: str, *, patience_s: float | None = None) -> None:
        """``patience_s`` is how long one statement may wait for a lock, and on PostgreSQL for its answer."""
        self._engine = _engine(url, patience_s)
        # SQLite lets one write at a time, and of those who wait it takes anyone: under load the ledger waited seconds
        # for a hundred tickets. Here they queue in order, and who is cancelled meanwhile holds no connection.
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if self.dialect == "sqlite" else nullcontext()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose reads see one state of the data."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end, rolled back when the block raises. Never one within another."""
        async with self._turn, self._engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection

    async def check(self) -> None:
        """Raise unless the database answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def upgrade(self) -> None:
        """Bring the tables to the newest version; nothing happens when they are. SettingsError: it cannot be used."""
        try:
            async with self.write() as connection:
                await connection.run_sync(_migrate)
        except (OSError, DBAPIError) as error:
            where = self._engine.url.render_as_string(hide_password=True)
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise SettingsError(f"the database {where} cannot be used: {reason}") from error

    async def compact(self) -> None:
        """Take what was deleted out of the files too, as far as we can: PostgreSQL's own vacuum does that later."""
        if self._engine.dialect.name == "sqlite":
            async with self._engine.connect() as connection:
                raw = await connection.get_raw_connection()
                assert raw.driver_connection is not None
                await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        await self._engine.dispose()


async def upgrade(url: str) -> None:
    """Bring the tables behind ``url`` to the newest version."""
    database = Database(url)
    try:
        await database.upgrade()
    finally:
        await database.close()


def batched(values: Iterable[T], size: int = 1000) -> Iterator[list[T]]:
    """Pieces of ``values`` that fit one statement: SQLite takes 32,766 parameters, PostgreSQL 32,767.

    >>> list(batched("abc", 2))
    [['a', 'b'], ['c']]
    """
    rest = iter(values)
    while piece := list(islice(rest, size)):
        yield piece


def key_of(text: str) -> int | None:
    """The integer key that our own tables have behind an id, which is text outside; None for text that is none.

    >>> key_of("42"), key_of("042"), key_of("x"), key_of("9" * 12)
    (42, None, None, None)
    """
    return int(text) if re.fullmatch("[1-9][0-9]{0,8}", text) else None


async def upsert(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    update: bool = True,
    add: bool = False,
) -> None:
    """Insert ``rows``; one whose primary key is there already replaces that row, or is left out (``update=False``), or
    is added to it, number by number (``add=True``).
    """
    if not rows:
        return
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    key = [column.name for column in table.primary_key]
    if update:
        others: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name not in key}
        if add:
            others = {name: table.c[name] + value for name, value in others.items()}
        statement = statement.on_conflict_do_update(index_elements=key, set_=others)
    else:
        statement = statement.on_conflict_do_nothing()
    await connection.execute(statement, list(rows))


class _RollingBack(sqlite3.Connection):
    """Ends its transaction when it is closed.

    SQLite keeps a closed connection, with its lock, while a statement of it lives (``sqlite3_close_v2``). When a task
    is cancelled between INSERT … RETURNING and its row, that is until Python's collector comes by.
    """

    def close(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # closed before
            self.rollback()
        super().close()


# A contact's row has six columns of JSON: Python's own encoder would cost the ledger a tenth of its time.
_JSON: Mapping[str, Any] = {"json_serializer": lambda value: to_json(value).decode(), "json_deserializer": from_json}


def _engine(url: str, patience_s: float | None) -> AsyncEngine:
    # Parameters are customers' numbers and names: an error's text, which gets into the log, must not hold them.
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            options: dict[str, Any] = {
                "server_settings": {"idle_in_transaction_session_timeout": str(1000 * HUNG_S)},
                **({} if patience_s is None else {"timeout": patience_s, "command_timeout": patience_s}),
            }
            return create_async_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=options, **_JSON)
    except (ArgumentError, ImportError) as error:  # its text may hold the password
        raise SettingsError("database_url is not usable: write it as postgresql+asyncpg://user@host/name") from error
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, hide_parameters=True, connect_args={"factory": _RollingBack}, **_JSON)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(dbapi: Any, _record: object) -> None:
        # We say BEGIN ourselves, below: the driver's own would come too late for a read followed by a write.
        dbapi.isolation_level = None
        cursor = dbapi.cursor()
        for pragma in (*PRAGMAS, f"busy_timeout={round(1000 * (patience_s or BUSY_S))}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads first and then writes fails at once in WAL mode when another writer
        # came between (SQLITE_BUSY_SNAPSHOT), busy_timeout or not: writers take the lock at the start.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Several servers may start at once; one migrates, the others find it done.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('switchroom.migrations'))"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
