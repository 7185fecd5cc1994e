"""A manager interface that answers as told, or misbehaves as told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

Action = dict[str, str]


class AmiServer:
    """Listens on a free port. ``actions`` is everything that was asked, over all connections, pings aside.

    ``answers`` says what is answered to an action: Success unless another text (or None, for silence) is there.
    """

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.answers: dict[str, str | None] = {}
        self.logins = 0
        self.boots = True
        self.drop_on: str | None = None
        """Close the connection when this action comes, without an answer."""
        self.after_login = b""
        """Sent between the answer to the login and FullyBooted."""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()

    def drop(self) -> None:
        """Cut every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def send(self, data: bytes) -> None:
        for writer in tuple(self._writers):
            writer.write(data)

    def tell(self, **headers: str) -> None:
        """Send an event."""
        self.send(("\r\n".join(f"{name}: {value}" for name, value in headers.items()) + "\r\n\r\n").encode())

    def asked(self, name: str) -> list[Action]:
        return [action for action in self.actions if action["Action"] == name]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                self._take(dict(line.split(": ", 1) for line in block.split("\r\n") if line), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, action: Action, writer: asyncio.StreamWriter) -> None:
        name = action["Action"]
        if name != "Ping":
            self.actions.append(action)
        if name == self.drop_on:
            writer.transport.abort()
            return
        answer = self.answers.get(name, "Response: Success")
        if answer is not None:
            writer.write(f"{answer}\r\nActionID: {action['ActionID']}\r\n\r\n".encode())
        if name == "Login" and answer == "Response: Success":
            self.logins += 1
            writer.write(self.after_login)
            if self.boots:
                writer.write(b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n")


@asynccontextmanager
async def ami_server() -> AsyncIterator[AmiServer]:
    server = AmiServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
