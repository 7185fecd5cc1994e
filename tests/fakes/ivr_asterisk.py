"""Asterisk's side of the media WebSocket, for tests: plays at once (or only when told to), presses keys, hangs up."""

import asyncio
import contextlib
import json
from types import TracebackType

import aiohttp

from tests.fakes.ivr_speech import read_audio
from tests.support.waiting import eventually

SILENCE_S = 0.01
"""For a piece of silence, so that its endless row goes on at a walk."""


class FakeAsterisk:
    """``async with FakeAsterisk(port, contact_id) as asterisk`` is a caller's media connection."""

    def __init__(self, port: int, contact_id: str, *, plays: bool = True) -> None:
        self._url = f"http://127.0.0.1:{port}/media"
        self._contact_id = contact_id
        self.plays = plays
        """False: prompts stay in the queue until `play_out`."""
        self.said: list[str] = []
        """What was sent to be heard."""
        self.queued: list[str] = []
        """What of it was not flushed away."""
        self.commands: list[str] = []
        self.direction = "both"
        self._marks: list[str] = []
        self._silence = False
        """The last audio that came was silence."""
        self.closed = asyncio.Event()

    async def __aenter__(self) -> "FakeAsterisk":
        self._http = aiohttp.ClientSession()
        try:
            self.socket = await self._http.ws_connect(
                self._url, params={"contact_id": self._contact_id}, protocols=("media",)
            )
        except BaseException:
            await self._http.close()
            raise
        self._reader = asyncio.create_task(self._read())
        await self.send(
            event="MEDIA_START", channel="WebSocket/ivr/0x1", format="slin", optimal_frame_size=320, ptime=20
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.socket.close()
        await self._reader
        await self._http.close()

    async def send(self, **fields: object) -> None:
        await self.socket.send_str(json.dumps({"channel_id": "1.1", **fields}))

    async def press(self, keys: str) -> None:
        for key in keys:
            await self.send(event="DTMF_END", digit=key)

    async def speak(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), 320):
            await self.socket.send_bytes(pcm[at : at + 320].ljust(320, b"\0"))

    async def play_out(self) -> None:
        """The caller hears everything that is queued."""
        marks, self._marks = self._marks, []
        with contextlib.suppress(ConnectionError):  # hung up meanwhile
            for mark in marks:
                await self.send(event="MEDIA_MARK_PROCESSED", correlation_id=mark)

    async def hears(self, text: str, timeout_s: float = 5) -> None:
        """Wait until a prompt with ``text`` in it was sent."""
        await eventually(lambda: any(text in said for said in self.said), text, timeout_s)

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                texts = read_audio(message.data)
                self.said += texts
                self.queued += texts
                self._silence = not any(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                command = json.loads(message.data)
                self.commands.append(command["command"])
                await self._obey(command)
        self.closed.set()

    async def _obey(self, command: dict[str, str]) -> None:
        match command["command"]:
            case "MARK_MEDIA":
                self._marks.append(command["correlation_id"])
                if self.plays:
                    if self._silence:
                        await asyncio.sleep(SILENCE_S)
                    await self.play_out()
            case "FLUSH_MEDIA":
                self._marks.clear()
                self.queued.clear()
            case "SET_MEDIA_DIRECTION":
                self.direction = command["direction"]
            case "HANGUP":
                await self.socket.close()
