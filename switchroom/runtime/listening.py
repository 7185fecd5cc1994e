"""Listening sockets that refuse at once what they cannot serve.

Asterisk waits for ever for a media server that takes its connection and says nothing (asterisk#1979). So a connection
too many is closed when it comes; and a process that is out of file descriptors, which cannot even accept, keeps one in
reserve to do that with.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import structlog
from aiohttp import web, web_response

from switchroom.runtime.settings import SettingsError, port_taken

log = structlog.get_logger(__name__)

BACKLOG = 512
# aiohttp puts its own and Python's version on every answer, also on those that no handler of ours sees (what is no
# HTTP); there is no setting for it.
web_response.SERVER_SOFTWARE = "Switchroom"  # type: ignore[attr-defined]

_OUT_OF_DESCRIPTORS = "socket.accept() out of system resource"
"""asyncio's word for it (selector_events.py); it then leaves the socket alone for a second."""


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


class Doors:
    """The server's listening sockets. Use `doors`."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._reserve: int | None = os.open(os.devnull, os.O_RDONLY)

    async def open(
        self, app: web.Application, host: str, port: int, what: str, setting: str, most: int
    ) -> tuple[web.AppRunner, int]:
        """Serve ``app`` to at most so many connections, until its runner is cleaned up; tells the port, too.

        Raises `SettingsError` with the ``setting`` of a port that is taken.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise SettingsError(port_taken(host, port, what, setting, error)) from None
        listening.setblocking(False)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        http = runner.server
        assert http is not None

        def protocol() -> asyncio.BaseProtocol:
            if len(http.connections) < most:
                return http()
            log.warning("listening.refused", what=what, most=most)
            return _Refused()

        self._sockets.append(listening)
        self._servers.append(await asyncio.get_running_loop().create_server(protocol, sock=listening, backlog=BACKLOG))
        return runner, int(listening.getsockname()[1])

    def close(self) -> None:
        for server in self._servers:
            server.close()
        self._give_up_reserve()

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's exception handler."""
        if context.get("message") == _OUT_OF_DESCRIPTORS:
            self._refuse_all()
        else:
            loop.default_exception_handler(context)

    def _refuse_all(self) -> None:
        """Close what waits to be accepted, with the descriptor that was kept for it."""
        self._give_up_reserve()
        refused = 0
        for listening in self._sockets:
            with contextlib.suppress(OSError):  # BlockingIOError: nobody waits there any more
                while True:
                    connection, _ = listening.accept()
                    connection.close()
                    refused += 1
        with contextlib.suppress(OSError):  # somebody was quicker: tried again the next time
            self._reserve = os.open(os.devnull, os.O_RDONLY)
        log.error("listening.out_of_descriptors", refused=refused)

    def _give_up_reserve(self) -> None:
        reserve, self._reserve = self._reserve, None
        if reserve is not None:
            os.close(reserve)


@contextlib.asynccontextmanager
async def doors() -> AsyncIterator[Doors]:
    """The doors of this process; closed at the end."""
    found = Doors()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(found.handle)
    try:
        yield found
    finally:
        loop.set_exception_handler(None)
        found.close()
