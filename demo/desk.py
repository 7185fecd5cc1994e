"""A desktop without a screen: logs in as a person would, receives what a browser receives, does what an agent does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

HELLO_WITHIN_S = 60.0
AGAIN_AFTER_S = 0.5


class DeskError(Exception):
    """The server refused what the desktop asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message of the event stream, with the time at which it arrived here."""

    type: str
    data: dict[str, Any]
    arrived_at: datetime


@dataclass
class Desk:
    """One logged-in desktop. Use `open_desk`."""

    http: aiohttp.ClientSession
    csrf: str
    agent: str | None
    told: list[Told] = field(default_factory=list)
    on_told: Callable[[Told], None] = lambda told: None
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    draws: bool = True
    """Whether pops are acknowledged as drawn."""

    async def get(self, path: str) -> Any:
        async with self.http.get(f"/api/v1/{path}") as answer:
            return await _content(answer)

    async def ready(self) -> None:
        await self.state("available")

    async def state(self, state: str, reason: str | None = None) -> None:
        await self._send("PUT", f"agents/{self.agent}/state", {"state": state, "reason": reason})

    async def close_ticket(self, ticket_id: str, disposition: str, note: str) -> None:
        await self._send("PATCH", f"tickets/{ticket_id}", {"state": "closed", "disposition": disposition, "note": note})

    async def _send(self, method: str, path: str, body: dict[str, Any]) -> None:
        headers = {"X-CSRF-Token": self.csrf}
        async with self.http.request(method, f"/api/v1/{path}", json=body, headers=headers) as answer:
            await _content(answer)

    def pops(self) -> list[Told]:
        return [told for told in self.told if told.type == "switchroom.screenpop"]

    async def listen(self) -> None:
        """Take messages for ever; when the connection is lost, connect again as a browser does."""
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await self._listen()
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _listen(self) -> None:
        """Take messages until the connection is closed; acknowledges pops as a browser that drew them."""
        async with self.http.ws_connect("/api/v1/events") as socket:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    content = json.loads(message.data)
                    told = Told(content["type"], content["data"] or {}, datetime.now(UTC))
                    self.told.append(told)
                    self.listening.set()
                    self.on_told(told)
                    if self.draws and content["type"] == "switchroom.screenpop":
                        await socket.send_json({"type": "pop_shown", "offer_id": content["data"]["offer_id"]})


@contextlib.asynccontextmanager
async def open_desk(
    url: str, login: str, password: str, *, listen: bool = True, at: str | None = None
) -> AsyncIterator[Desk]:
    """Log in (at this phone) and listen; logged out at the end."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an IP address
    async with aiohttp.ClientSession(url, cookie_jar=jar, headers={"Origin": url}) as http:
        async with http.post("/api/v1/session", json={"login": login, "password": password, "desk": at}) as answer:
            session = await _content(answer)
        agent = (session.get("agent") or {}).get("id")
        desk = Desk(http, session["csrf"], agent)
        listening = asyncio.create_task(desk.listen()) if listen else None
        try:
            if listening is not None:
                await asyncio.wait_for(desk.listening.wait(), HELLO_WITHIN_S)
            yield desk
        finally:
            if listening is not None:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


async def _content(answer: aiohttp.ClientResponse) -> Any:
    content = await answer.json(content_type=None) if answer.content_length != 0 else None
    if answer.status >= 400:
        raise DeskError(f"{answer.method} {answer.url.path}: {answer.status} {content}")
    return content
