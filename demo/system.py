"""The whole system as a visitor runs it: Asterisk, the server as its own process, the demonstration's data."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from demo.accounts import DemoAccounts, ensure_demo_accounts
from demo.desk import DeskError, open_desk
from server.cli.asterisk import prepare
from server.cli.run import CommandError
from softswitch_config.local import LocalAsterisk
from softswitch_config.render import Folders
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.home import claim, refuse_if_claimed
from switchroom.runtime.settings import PROJECT, Settings, port_taken
from switchroom.storage.database import Database
from switchroom.storage.seed import seed_demo

READY_WITHIN_S = 120.0


class System:
    """Starts and stops everything. It stops all that it starts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._environment = dict(os.environ)
        self._accounts: DemoAccounts | None = None
        self._asterisk: LocalAsterisk | None = None
        self._server: asyncio.subprocess.Process | None = None
        self._claims = ExitStack()

    @property
    def log(self) -> Path:
        return self.settings.home / "server.log"

    @property
    def server_pid(self) -> int | None:
        return self._server.pid if self._server else None

    async def start(self) -> DemoAccounts:
        """Bring everything up; raises an error of one sentence if that cannot be."""
        found = self.settings
        self._claims.enter_context(claim(found.home, "python -m demo", name="demo"))
        refuse_if_claimed(found.home)  # by a server that somebody else started; ours comes below
        _refuse_taken(found.http.host, found.http.port, "HTTP", "SWITCHROOM_HTTP__PORT")
        _refuse_taken(found.media.host, found.media.port, "media", "SWITCHROOM_MEDIA__PORT")
        database = Database(found.database)
        try:
            await database.upgrade()
            await seed_demo(database, SystemClock().now())
        finally:
            await database.close()
        accounts = self._accounts = await ensure_demo_accounts(found)
        self._asterisk = await asyncio.to_thread(prepare, found)
        await asyncio.to_thread(self._asterisk.start)
        await self.start_server()
        return accounts

    async def start_server(self, **environment: str) -> None:
        """Start the server's process, with these variables besides its own, and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self._server = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "server.cli",
                "serve",
                stdout=log,
                stderr=log,
                cwd=PROJECT,
                env={**self._environment, **environment},
                start_new_session=True,
            )
        await self._until_ready()

    async def kill_server(self) -> None:
        """kill -9, as a crash would be."""
        assert self._server is not None
        self._server.kill()
        await self._server.wait()

    async def server_ended(self) -> None:
        """Wait until the server's process has ended."""
        assert self._server is not None
        await self._server.wait()

    async def restart_asterisk(self) -> None:
        """kill -9, as a crash would be, and start again: every call in it is gone."""
        assert self._asterisk is not None
        pid_file = Folders.of(self.settings).run / "asterisk.pid"
        os.kill(int(pid_file.read_text(encoding="ascii")), signal.SIGKILL)
        await asyncio.to_thread(self._asterisk.stop)
        await asyncio.to_thread(self._asterisk.start)

    async def stop(self) -> None:
        if self._server is not None and self._server.returncode is None:
            self._server.terminate()
            try:
                await asyncio.wait_for(self._server.wait(), 15)
            except TimeoutError:
                self._server.kill()
                await self._server.wait()
        if self._asterisk is not None:
            await asyncio.to_thread(self._asterisk.stop)
        self._claims.close()

    async def _until_ready(self) -> None:
        assert self._server is not None
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        reason = "no answer"
        while asyncio.get_running_loop().time() < deadline:
            if self._server.returncode is not None:
                raise CommandError(f"the server ended while starting: {_last_line(self.log)}")
            try:
                reason = await self._not_ready_because()
            except (aiohttp.ClientError, DeskError) as error:
                reason = str(error)
            if not reason:
                return
            await asyncio.sleep(0.1)
        raise CommandError(f"the server is not ready after {READY_WITHIN_S:.0f} s ({reason}); see {self.log}")

    async def _not_ready_because(self) -> str:
        """What the server still waits for; empty when it is ready."""
        assert self._accounts is not None
        login, password = self._accounts.supervisor_login, self._accounts.supervisor_password
        async with (
            open_desk(self._accounts.http, login, password, listen=False) as desk,
            desk.http.get("/readyz") as answer,
        ):
            return "" if answer.status == 200 else await answer.text()


def _refuse_taken(host: str, port: int, what: str, setting: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(port_taken(host, port, what, setting, error)) from None


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "no word in its log"


async def until(holds: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Wait until ``holds``; TimeoutError names ``what`` did not happen."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not holds():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"within {timeout_s:.0f} s this did not happen: {what}")
        await asyncio.sleep(0.05)
