"""`GET /readyz` of the real server: what it cannot do without is named while it is away, in words, and soon."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aiohttp import ClientSession

from switchroom.runtime.settings import PROJECT
from switchroom.storage.database import Database
from tests.e2e.whole_system import own_settings
from tests.fixtures.postgres import running_postgres
from tests.fixtures.redis import RedisServer

SOON_S = 6.0


class Served:
    """A server as its own process, asked from outside with a token. Asterisk is not there, and is named for it."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, token: str) -> None:
        self.process, self.url, self._token = process, url, token

    async def ready(self) -> tuple[dict[str, Any], float]:
        """The checks, and how long the answer took."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self._token}"}
        async with ClientSession(headers=headers) as http, http.get(f"{self.url}/readyz") as answer:
            assert answer.status == 503, "without Asterisk it is never ready"
            body = await answer.json()
            if "checks" not in body:  # the token could not be looked up: the database it is
                body = {"checks": {"database": {"ok": False, "detail": body["detail"]}}}
            return body["checks"], time.monotonic() - began

    async def says(self, check: str, words: str) -> None:
        """Wait until the check is named as not in order, in these words; each answer comes soon."""
        deadline = time.monotonic() + 20
        while True:
            checks, took_s = await self.ready()
            assert took_s < SOON_S
            found = checks[check]
            if not found["ok"] and words in found["detail"]:
                return
            assert time.monotonic() < deadline, checks

    async def is_well(self, check: str) -> None:
        deadline = time.monotonic() + 20
        while not (checks := (await self.ready())[0])[check]["ok"]:
            assert time.monotonic() < deadline, checks
            await asyncio.sleep(0.1)


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch, home: Path, **more: str) -> Iterator[Served]:
    settings = own_settings(monkeypatch, home)
    for name, value in more.items():
        monkeypatch.setenv(f"SWITCHROOM_{name}", value)
    command = [sys.executable, "-m", "server.cli"]
    token = subprocess.run(
        [*command, "users", "token", "watch"], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60
    )
    process = subprocess.Popen(
        [*command, "serve"], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("switchroom: ready")
        yield Served(process, f"http://{settings.http.host}:{settings.http.port}", token.stdout.strip())
    finally:
        process.kill()
        process.wait(10)


async def test_given_a_locked_database_then_readiness_says_so_soon_and_how_many_events_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with served(monkeypatch, tmp_path) as server:
        await server.is_well("database")
        await server.is_well("ledger")
        await server.says("asterisk", "manager interface")
        other = sqlite3.connect(tmp_path / "switchroom.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await server.says("database", "locked")
        took = await asyncio.gather(*(server.ready() for _ in range(20)))
        assert max(took_s for _, took_s in took) < SOON_S, "however often it is asked"
        other.execute("ROLLBACK")
        await server.is_well("database")
        other.close()


async def test_given_a_database_that_takes_no_bytes_then_readiness_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with served(monkeypatch, tmp_path) as server:
        await server.is_well("database")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        await server.says("database", "cannot be written")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await server.is_well("database")


async def test_given_postgresql_that_is_read_only_or_hung_or_away_then_readiness_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running_postgres() as postgres, served(monkeypatch, tmp_path, DATABASE_URL=postgres.url) as server:
        await server.is_well("database")
        admin = Database(postgres.url)

        async def read_only(value: str) -> None:
            async with admin._engine.connect() as connection:
                free = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await free.exec_driver_sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
                await free.exec_driver_sql("SELECT pg_reload_conf()")

        await read_only("on")
        await server.says("database", "read-only")
        await read_only("off")
        await server.is_well("database")
        await admin.close()
        postgres.pause()
        await server.says("database", "does not answer")
        postgres.resume()
        await server.is_well("database")
        postgres.stop()
        await server.says("database", "cannot be reached")
        postgres.start()
        await server.is_well("database")


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
async def test_given_redis_that_hangs_or_is_gone_then_readiness_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: signal.Signals
) -> None:
    with TemporaryDirectory(prefix="redis-") as folder:
        redis = RedisServer(Path(folder))
        try:
            with served(monkeypatch, tmp_path, REDIS_URL=redis.url) as server:
                await server.is_well("redis")
                os.kill(redis.pid, how)
                await server.says("redis", "Redis does not answer")
                if how is signal.SIGSTOP:
                    os.kill(redis.pid, signal.SIGCONT)
                    await server.is_well("redis")
        finally:
            redis.stop()
