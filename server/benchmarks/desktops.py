"""Many desktops in one process: ``python -m server.benchmarks.desktops URL``, sessions' secrets on standard input.

Each listens and acknowledges its pops. When standard input ends, what they received is printed as JSON.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

import aiohttp

AT_ONCE = 50
"""Desktops that connect at the same time, as people do not."""


class Desktops:
    """What all of them received."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.connected = 0
        self.messages = 0
        self.characters = 0
        self.pops_ms: list[float] = []
        self._connecting = asyncio.Semaphore(AT_ONCE)

    async def run(self, http: aiohttp.ClientSession, secret: str) -> None:
        headers = {"Cookie": f"switchroom_session={secret}", "Origin": self._url}
        async with self._connecting:
            socket = await http.ws_connect(f"{self._url}/api/v1/events", headers=headers)
            await socket.receive()
            self.connected += 1
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.messages += 1
                self.characters += len(message.data)
                if message.data.startswith('{"type": "switchroom.screenpop"'):
                    await self._drawn(socket, json.loads(message.data))

    async def _drawn(self, socket: aiohttp.ClientWebSocketResponse, pop: dict[str, Any]) -> None:
        sent = datetime.fromisoformat(pop["time"])
        self.pops_ms.append((datetime.now(UTC) - sent).total_seconds() * 1000)
        await socket.send_json({"type": "pop_shown", "offer_id": pop["data"]["offer_id"]})


async def main(url: str) -> None:
    loop = asyncio.get_running_loop()
    secrets = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    desktops = Desktops(url)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        tasks = [asyncio.create_task(desktops.run(http, secret)) for secret in secrets]
        while desktops.connected < len(secrets):
            if failed := [task for task in tasks if task.done()]:
                failed[0].result()
                raise ConnectionError("a desktop was cut off")
            await asyncio.sleep(0.05)
        sys.stdout.write("connected\n")
        sys.stdout.flush()
        desktops.messages = desktops.characters = 0
        await loop.run_in_executor(None, sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    found = {"messages": desktops.messages, "characters": desktops.characters, "pops_ms": desktops.pops_ms}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
