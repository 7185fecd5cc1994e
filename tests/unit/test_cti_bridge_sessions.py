"""A desktop's connection and its session, which is looked at again from time to time."""

import asyncio
import json
from pathlib import Path

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType

from switchroom.domain import events as ev
from switchroom.domain.ids import AgentId
from switchroom.runtime.clock import SystemClock
from tests.fixtures.bridge_server import PASSWORD, BridgeServer


async def heard(socket: ClientWebSocketResponse, kind: str) -> bool:
    """Whether a message of this kind comes; not, if the connection ends."""
    async with asyncio.timeout(10):
        async for message in socket:
            if message.type is WSMsgType.TEXT and json.loads(message.data)["type"] == kind:
                return True
    return False


async def test_given_a_database_that_is_away_when_the_session_is_looked_at_then_the_desktop_stays(
    tmp_path: Path,
) -> None:
    server = BridgeServer(tmp_path, SystemClock(), recheck_s=0.05)
    await server.start()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        await http.post(f"{server.url}/api/v1/session", json={"login": "agent", "password": PASSWORD})
        socket = await http.ws_connect(f"{server.url}/api/v1/events", headers={"Origin": server.url})
        assert await heard(socket, "switchroom.hello")
        async with server.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE sessions RENAME TO away")
        await asyncio.sleep(0.3)  # several looks
        server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="lunch")
        assert await heard(socket, "switchroom.agent.state.changed")
        async with server.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE away RENAME TO sessions")
            await connection.exec_driver_sql("DELETE FROM sessions")
        assert not await heard(socket, "never")
    await server.stop()
