"""What goes to browsers and programs over WebSocket, and what becomes of connections that are lost, slow or foreign."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, WSMsgType, WSServerHandshakeError
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from cti_bridge.live import http as events
from cti_bridge.live.hub import QUEUE
from switchroom.domain import events as ev
from switchroom.domain.ids import AgentId, ContactId
from switchroom.domain.user import Role
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import SystemClock
from switchroom.storage.ledger import Ledger
from tests.fixtures.api_client import Browser, Client, receive
from tests.fixtures.bridge_server import ORIGIN, BridgeServer


async def test_given_a_desktop_then_the_pop_arrives_before_the_offer_is_rung(
    server: BridgeServer, client: Client
) -> None:
    agent, other = await client("agent"), await client("other")
    mine, theirs = await agent.events(), await other.events()
    hello = await receive(mine, "switchroom.hello")
    assert [found["id"] for found in hello["data"]["agents"]] == ["1001"]
    assert hello["data"]["pop"] is None
    await receive(theirs, "switchroom.hello")

    seen: list[ev.Event] = []
    server.bus.subscribe(ev.Event, seen.append)
    await server.ring()
    pop = (await receive(mine, "switchroom.screenpop"))["data"]
    assert (pop["customer"]["name"], pop["phone"], pop["tier"]) == ("王芳", "138****8000", "gold")
    assert (pop["path"], pop["collected"]) == (["welcome", "main", "returns"], {"order_number": "20260105"})
    kinds = [type(event) for event in seen]
    assert kinds.index(ev.ScreenPopSent) < kinds.index(ev.AgentRang)

    await mine.send_json({"type": "pop_shown", "offer_id": pop["offer_id"]})
    await receive(mine, "switchroom.screen.pop.shown")
    await server.answer()
    await receive(mine, "switchroom.ticket.opened")
    # The other agent hears how long the lines are, and nothing of this call.
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            while True:
                assert (await theirs.receive_json())["type"] == "switchroom.queues"


async def test_given_a_desktop_opened_in_the_middle_of_a_call_then_it_gets_the_pop(
    server: BridgeServer, client: Client
) -> None:
    await server.ring()
    await server.answer()
    hello = await receive(await (await client("agent")).events(), "switchroom.hello")
    pop = hello["data"]["pop"]
    assert (pop["customer"]["name"], pop["contact_id"]) == ("王芳", "c1")
    assert pop["answered_at"] is not None and pop["ticket_id"] is not None


async def test_given_a_lost_connection_when_resumed_then_no_event_is_missing_or_doubled(
    server: BridgeServer, client: Client
) -> None:
    agent = await client("agent")
    first = await agent.events()
    await receive(first, "switchroom.hello")
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    last = (await receive(first, "switchroom.agent.state.changed"))["id"]
    await first.close()

    server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="lunch")
    server.agents.move(AgentId("1002"), ev.AgentState.AVAILABLE)
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    again = await agent.events(f"?last={last}")
    server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="break")
    states = []
    while "break" not in states:
        message = await receive(again, "switchroom.agent.state.changed")
        states.append(message["data"]["reason"] or message["data"]["state"])
        assert message["id"] != last
        last = message["id"]
    assert states == ["lunch", "available", "break"]


async def test_given_a_supervisor_then_everything_is_heard(server: BridgeServer, client: Client) -> None:
    board = await (await client("supervisor")).events()
    await receive(board, "switchroom.hello")
    await server.ring()
    entered = await receive(board, "switchroom.contact.entered")
    assert entered["data"]["contact_id"] == "c1" and entered["id"]
    seen: dict[str, Any] = {}
    async with asyncio.timeout(5):  # the queues have a rhythm of their own: before the ring, or after it
        while not {"switchroom.agent.rang", "switchroom.queues"} <= seen.keys():
            message = await board.receive_json()
            seen.setdefault(message["type"], message["data"])
    assert len(seen["switchroom.queues"]["queues"]) == 3


async def test_every_message_that_is_sent_has_the_form_of_the_published_schema(
    server: BridgeServer, client: Client
) -> None:
    boss, agent = await client("supervisor"), await client("agent")
    _, document = await boss.ask("GET", "/api/v1/openapi.json")
    registry = Registry().with_resource("urn:api", DRAFT202012.create_resource(document))
    form = Draft202012Validator({"$ref": "urn:api#/components/schemas/Message"}, registry=registry)
    board, mine = await boss.events(), await agent.events()
    await server.ring()
    seen = set()
    async with asyncio.timeout(10):
        while not {"switchroom.agent.rang", "switchroom.queues", "switchroom.ticket.opened"} <= seen:
            message = await board.receive_json()
            form.validate(message)
            seen.add(message["type"])
            if message["type"] == "switchroom.agent.rang":
                await server.answer()
    await mine.send_str("nonsense")
    async with asyncio.timeout(10):
        while not {"switchroom.hello", "switchroom.screenpop", "switchroom.error"} <= seen:
            message = await mine.receive_json()
            form.validate(message)
            seen.add(message["type"])
    with pytest.raises(ValidationError):
        form.validate({"type": "switchroom.hello", "time": "2026-01-08T09:30:00Z", "data": {}})


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1"])
async def test_a_foreign_page_may_not_listen(client: Client, origin: str) -> None:
    agent = await client("agent")
    with pytest.raises(WSServerHandshakeError) as refused:
        await agent.events(origin=origin)
    assert refused.value.status == 403


async def test_a_page_of_a_listed_origin_may_listen_and_a_program_without_one(
    server: BridgeServer, client: Client
) -> None:
    socket = await (await client("agent")).events(origin=ORIGIN)
    await receive(socket, "switchroom.hello")
    url = f"{server.url}/api/v1/events"
    with_cookie_only = (await client("agent")).http
    with pytest.raises(WSServerHandshakeError) as refused:
        await with_cookie_only.ws_connect(url)
    assert refused.value.status == 403
    token = await server.accounts.create_token(Role.ADMIN, "program")
    program = await (await client("")).http.ws_connect(url, headers={"Authorization": f"Bearer {token}"})
    await receive(program, "switchroom.hello")


async def test_malformed_messages_are_answered_and_do_no_harm(server: BridgeServer, client: Client) -> None:
    socket = await (await client("agent")).events()
    await receive(socket, "switchroom.hello")
    for nonsense in ("{", "[]", "1", '{"type": "pop_shown"}', '{"type": "pop_shown", "offer_id": 7}', "[" * 4000):
        await socket.send_str(nonsense)
        assert (await receive(socket, "switchroom.error"))["data"]["detail"]
    await socket.send_bytes(b"\x00\xff")
    await receive(socket, "switchroom.error")
    await socket.send_json({"type": "pop_shown", "offer_id": "nobody's"})
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    await receive(socket, "switchroom.agent.state.changed")
    await socket.send_str("x" * 5000)
    async with asyncio.timeout(5):
        message = await socket.receive()
        while message.type is WSMsgType.TEXT:
            message = await socket.receive()
    assert socket.close_code == 1009


async def test_a_reader_that_is_too_slow_is_cut_off_and_holds_up_nobody(server: BridgeServer, client: Client) -> None:
    slow = await (await client("supervisor")).events()
    await receive(slow, "switchroom.hello")
    for number in range(QUEUE + 100):  # without a pause: the socket's task cannot take them meanwhile
        server.bus.publish(ev.NodeVisited(at=server.clock.now(), contact_id=ContactId("c1"), node=f"n{number}"))
    async with asyncio.timeout(5):
        message = await slow.receive()
        while message.type is WSMsgType.TEXT:
            message = await slow.receive()
    assert slow.close_code == 1013
    quick = await (await client("supervisor")).events()
    await receive(quick, "switchroom.hello")


async def test_given_a_quiet_day_then_every_socket_hears_a_heartbeat(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    socket = await (await client("other")).events()
    await receive(socket, "switchroom.hello")
    assert (await receive(socket, "switchroom.heartbeat"))["data"] is None


async def test_given_more_missed_events_than_are_told_again_then_the_gap_is_named(
    server: BridgeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_REPLAYED", 2)
    agent = await client("agent")
    first = await receive(await agent.events(), "switchroom.hello")
    for reason in ("lunch", "meeting", "break", "training"):
        server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason=reason)
    socket = await agent.events(f"?last={first['id']}")
    told = [await socket.receive_json() for _ in range(4)]
    assert [message["data"].get("reason") for message in told[:2]] == ["lunch", "meeting"]
    gap, hello = told[2:]
    assert (gap["type"], hello["type"]) == ("switchroom.gap", "switchroom.hello")
    assert (gap["data"]["from"], gap["data"]["to"]) == (told[1]["id"], hello["id"])
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    assert (await receive(socket, "switchroom.agent.state.changed"))["data"]["state"] == "available"

    async with asyncio.timeout(5):
        again = await (await client("agent")).events(f"?last={gap['data']['to']}")
        assert (await again.receive_json())["type"] != "switchroom.gap"


async def test_given_a_second_server_on_the_database_when_a_browser_resumes_then_both_servers_events_come_once(
    server: BridgeServer, client: Client
) -> None:
    def visited(node: str) -> ev.NodeVisited:
        return ev.NodeVisited(at=server.clock.now(), contact_id=ContactId("c"), node=node)

    async def nodes(socket: Any, count: int) -> tuple[list[str], str]:
        found = [await receive(socket, "switchroom.node.visited") for _ in range(count)]
        return [message["data"]["node"] for message in found], found[-1]["id"]

    elsewhere = Bus()
    other = Ledger(server.database, elsewhere, server.clock, server="other")
    await other.start()
    program = await client("supervisor")
    board = await program.events()
    await receive(board, "switchroom.hello")
    elsewhere.publish(visited("other-1"))
    await other.flush()
    server.bus.publish(visited("here-1"))
    await server.ledger.flush()
    server.bus.publish(visited("here-2"))
    heard, last = await nodes(board, 2)
    assert heard == ["here-1", "here-2"]
    await board.close()

    elsewhere.publish(visited("other-2"))
    server.bus.publish(visited("here-3"))
    await other.flush()
    board = await program.events(f"?last={last}")
    heard, last = await nodes(board, 3)
    assert sorted(heard) == ["here-3", "other-1", "other-2"]
    server.bus.publish(visited("here-4"))
    heard, last = await nodes(board, 1)
    assert heard == ["here-4"]
    await board.close()

    server.bus.publish(visited("here-5"))
    elsewhere.publish(visited("other-3"))
    await other.stop()
    heard, _ = await nodes(await program.events(f"?last={last}"), 2)
    assert sorted(heard) == ["here-5", "other-3"]


async def test_given_a_database_that_is_locked_when_something_happens_then_the_desktops_hear_it_all_the_same(
    server: BridgeServer, client: Client, tmp_path: Path
) -> None:
    socket = await (await client("agent")).events()
    await receive(socket, "switchroom.hello")
    await server.ledger.flush()
    locker = sqlite3.connect(tmp_path / "switchroom.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="lunch")
    assert (await receive(socket, "switchroom.agent.state.changed"))["data"]["reason"] == "lunch"
    assert server.ledger.backlog > 0
    locker.execute("ROLLBACK")
    locker.close()
    await server.ledger.flush()


async def test_given_a_database_that_is_away_when_the_session_is_looked_at_then_the_desktop_stays(
    tmp_path: Path,
) -> None:
    server = BridgeServer(tmp_path, SystemClock(), recheck_s=0.02)
    await server.start()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        browser = Browser(http, server)
        await browser.log_in("agent")
        socket = await browser.events()
        await receive(socket, "switchroom.hello")
        async with server.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE sessions RENAME TO away")
        # Each state is pushed to the desktop only while the connection lives: far more looks than one go by.
        for number in range(20):
            server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason=str(number))
            assert (await receive(socket, "switchroom.agent.state.changed"))["data"]["reason"] == str(number)
            assert (await browser.ask("GET", "/api/v1/agents"))[0] == 503
        async with server.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE away RENAME TO sessions")
            await connection.exec_driver_sql("DELETE FROM sessions")
        async with asyncio.timeout(10):
            while not socket.closed:
                await socket.receive()
    await server.stop()
