"""Rubbish at every door of the HTTP side: a clear refusal, never 500, and others are served on."""

import asyncio
import json
import random
import re
from collections import Counter
from http import HTTPStatus

import pytest
from aiohttp import ClientSession

from cti_bridge.http.app import LARGEST_BODY, ROUTES
from cti_bridge.http.guard import COOKIE
from cti_bridge.http.route import Route
from cti_bridge.live.hub import MOST_SOCKETS
from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.ids import AgentId, ContactId
from switchroom.domain.user import Role
from tests.fixtures.bridge_server import ORIGIN, PASSWORD, BridgeServer
from tests.support.brands import SHOP
from tests.support.waiting import eventually

UNREADY = (HTTPStatus.SERVICE_UNAVAILABLE,)
"""What /readyz and the unbuilt desktop may say."""

VALUES = [
    "", "0", "-1", "1e400", "NaN", "99999999999999999999", "-99999999999999999999", "2147483648", "true", "null",
    "None", "%00", "a%00b", "%ff", "%ED%A0%80", "%F0%9F%98%80", "..%2f..%2fetc%2fpasswd", "%2e%2e/etc/passwd",
    "'%20OR%20'1'='1", "%3Cscript%3Ealert(1)%3C/script%3E", "${7*7}", "%0d%0aX-Injected:%201", "x" * 3000,
    "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", "1001", "demo-1-1", "1",
]  # fmt: skip
BODIES = [
    b"", b"{", b"[]", b"null", b"1", b'""', b"\xff\xfe", b"[" * 30_000, b"{}", b'{"state": 1}', b'{"state": null}',
    b'{"state": "closed", "disposition": "nonsense"}', b'{"note": "\\u0000"}', b'{"note": "\\ud800"}', b'{"note": "' +
    b"x" * 20_000 + b'"}', b'{"login": "\\u0000", "password": "x"}', b'{"login": "x", "password": "\\ud800"}',
    b'{"login": ["x"], "password": {}}', b'{"__proto__": {}}', b'{"state": "available", "state": "paused"}',
    b'{"login": "x", "password": 1' + b"0" * 5000 + b"}", b'{"x": NaN}', b"x" * (LARGEST_BODY + 1),
]  # fmt: skip
HEADERS = [
    b"", b"Content-Type: application/json; charset=nonsense", b"Content-Type: \xff", b"Content-Encoding: gzip",
    b"Content-Encoding: deflate", b"Range: bytes=9-1,a", b"Origin: \xff", b"Origin: null", b"X-CSRF-Token: \xff",
    b"If-Modified-Since: \xff", b"Accept: " + b"*/*," * 500, b"Upgrade: websocket\r\nConnection: Upgrade",
    b"Expect: 100-continue", b"Cookie: =;;;\xff=\xfe", b"X-Forwarded-For: 127.0.0.1", b"Host: evil.example",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


async def send(server: BridgeServer, message: bytes) -> tuple[int, dict[str, str], bytes]:
    """Exactly these bytes; returns status, headers and body, 0 when the server only closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(message)
        await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        body = b"" if message.startswith(b"HEAD") else await asyncio.wait_for(reader.readexactly(length), 5)
        return int(lines[0].split()[1]), headers, body
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, {}, b""
    finally:
        writer.close()


def request(method: str, path: str, *headers: bytes, body: bytes = b"", kind: bytes = b"application/json") -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Connection: close", *filter(None, headers)]
    for name, value in ((b"Host", b"127.0.0.1"), (b"Content-Type", kind), (b"Content-Length", b"%d" % len(body))):
        if not any(line.lower().startswith(name.lower() + b":") for line in lines):
            lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def filled(route: Route, dice: random.Random) -> str:
    """The route's path with rubbish in its places, and rubbish for its query's fields."""
    path = re.sub(r"\{\w+(?::(?:[^{}]|\{[^}]*\})+)?\}", lambda _: dice.choice(VALUES), route.path)
    fields = list(route.query.model_fields) if route.query else []
    wanted = dice.sample(fields, dice.randint(0, len(fields))) + dice.choices(["", "nonsense"], k=1)
    return path + "?" + "&".join(f"{name}={dice.choice(VALUES)}" for name in wanted if name)


@pytest.mark.untraced
@pytest.mark.parametrize("role", [None, Role.AGENT, Role.SUPERVISOR])
async def test_given_rubbish_on_every_route_then_it_is_refused_in_one_shape_and_never_500(
    server: BridgeServer, role: Role | None
) -> None:
    dice = random.Random(f"rubbish {role}")
    who = b""
    if role is not None:
        login = "agent" if role is Role.AGENT else "supervisor"
        who = f"Cookie: {COOKIE}={await server.accounts.start_session(login, server.clock.now())}".encode()
        who = (
            who
            if dice.random() < 0.5
            else f"Authorization: Bearer {await server.accounts.create_token(role, 't')}".encode()
        )
    seen: Counter[int] = Counter()
    for _ in range(200):
        route = dice.choice(ROUTES)
        method = route.method if dice.random() < 0.8 else dice.choice(METHODS)
        asked = request(method, filled(route, dice), who, dice.choice(HEADERS), body=dice.choice(BODIES))
        status, headers, body = await send(server, asked)
        seen[status] += 1
        assert status < 500 or status in UNREADY, (status, asked[:300])
        if status >= 400 and headers.get("content-type", "").startswith("application/problem+json") and body:
            assert json.loads(body)["status"] == status
            assert "Traceback" not in body.decode()
    assert seen[0] == 0
    assert sum(number for status, number in seen.items() if 400 <= status < 500) > 100
    assert (await send(server, request("GET", "/healthz")))[0] == 200


@pytest.mark.parametrize(
    "header",
    [b"Authorization: Bearer \xff\xfe", b"Cookie: " + COOKIE.encode() + b"=\xff\xfe", b"Authorization: Bearer"],
)
async def test_given_a_token_that_is_no_text_then_it_is_a_wrong_token(server: BridgeServer, header: bytes) -> None:
    assert (await send(server, request("GET", "/api/v1/session", header)))[0] == 401


async def test_given_a_csrf_token_that_is_no_text_then_the_change_is_refused(server: BridgeServer) -> None:
    token = await server.accounts.start_session("agent", server.clock.now())
    session = f"Cookie: {COOKIE}={token}".encode()
    asked = request("PUT", "/api/v1/agents/1001/state", session, b"X-CSRF-Token: \xff", body=b'{"state": "paused"}')
    assert (await send(server, asked))[0] == 403


@pytest.mark.parametrize(
    "query",
    ["tickets?customer_id=%00", "contacts?before=0001-01-01T00:00:00%2B14:00", "customers?phone=%00"],
)
async def test_given_a_value_that_no_database_holds_then_the_field_is_named(server: BridgeServer, query: str) -> None:
    token = f"Authorization: Bearer {await server.accounts.create_token(Role.SUPERVISOR, 't')}".encode()
    status, _, body = await send(server, request("GET", f"/api/v1/{query}", token))
    assert status == 422 and json.loads(body)["errors"]


async def test_given_a_body_that_is_not_in_its_encoding_or_too_large_then_words_say_so(server: BridgeServer) -> None:
    asked = request("POST", "/api/v1/session", b"Content-Encoding: gzip", body=b"this is not gzip")
    status, _, body = await send(server, asked)
    assert (status, json.loads(body)["status"]) == (400, 400)
    status, _, _ = await send(server, request("POST", "/api/v1/session", body=b'"' + b"x" * LARGEST_BODY + b'"'))
    assert status == 413


@pytest.mark.parametrize(
    "message",
    [
        b"\x00" * 200,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 200,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 40_000 + b"\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"REGISTER sip:x SIP/2.0\r\n\r\n",
    ],
    ids=lambda message: repr(message[:24]),
)
async def test_given_what_is_no_http_then_the_connection_ends_and_others_are_served(
    server: BridgeServer, message: bytes
) -> None:
    status, _, _ = await send(server, message)
    assert status in (0, 400)
    assert (await send(server, request("GET", "/healthz")))[0] == 200


async def test_given_many_guesses_at_once_then_no_more_than_a_handful_are_tried(server: BridgeServer) -> None:
    async with ClientSession() as http:

        async def guess(number: int) -> int:
            wish = {"login": "agent", "password": f"guess {number}"}
            async with http.post(f"{server.url}/api/v1/session", json=wish) as answer:
                return answer.status

        statuses = Counter(await asyncio.gather(*(guess(number) for number in range(60))))
    assert statuses[401] <= 6
    assert statuses[429] == 60 - statuses[401]


async def test_given_a_login_that_opens_sockets_without_end_then_its_oldest_make_room(server: BridgeServer) -> None:
    token = await server.accounts.create_token(Role.SUPERVISOR, "greedy")
    other = await server.accounts.create_token(Role.SUPERVISOR, "other")

    opened = []

    async def listen(token: str) -> None:
        socket = await http.ws_connect(f"{server.url}/api/v1/events", headers={"Authorization": f"Bearer {token}"})
        assert json.loads((await socket.receive(5)).data)["type"] == "switchroom.hello"
        opened.append(socket)  # and not read any more

    async with ClientSession() as http:
        await listen(other)
        for _ in range(MOST_SOCKETS + 10):
            await listen(token)
        await eventually(lambda: server.hub.sockets <= MOST_SOCKETS + 1)
        assert server.hub.sockets == MOST_SOCKETS + 1


async def test_given_an_agent_then_numbers_are_masked_in_events_too_and_nobody_elses_are_told(
    server: BridgeServer,
) -> None:
    now = server.clock.now()
    for contact_id, agent_id in (("c1", "1001"), ("c2", "1002")):
        server.bus.publish(
            ev.ContactAdopted(
                at=now,
                contact_id=ContactId(contact_id),
                number="4008123123",
                caller="13800138000",
                brand=SHOP.name,
                entered_at=now,
                state=CallState.CONNECTED,
                agent_id=AgentId(agent_id),
                waiting=None,
            )
        )
    await server.ledger.flush()
    token = await server.accounts.create_token(Role.AGENT, "nobody's")
    async with ClientSession() as http:
        wish = {"login": "agent", "password": PASSWORD}
        async with http.post(f"{server.url}/api/v1/session", json=wish) as answer:
            cookie = answer.cookies[COOKIE].value
        for headers, calls in (
            ({"Cookie": f"{COOKIE}={cookie}", "Origin": server.url}, ["c1"]),
            ({"Authorization": f"Bearer {token}"}, []),
        ):
            told = []
            async with http.ws_connect(f"{server.url}/api/v1/events?last=0", headers=headers) as socket:
                while not told or told[-1]["type"] != "switchroom.hello":
                    told.append(json.loads((await socket.receive(5)).data))
            adopted = [one["data"] for one in told if one["type"] == "switchroom.contact.adopted"]
            assert [data["contact_id"] for data in adopted] == calls
            assert all(data["caller"] == "138****8000" for data in adopted)


@pytest.mark.parametrize(("origin", "secure"), [(ORIGIN, True), (None, False)])
async def test_given_a_page_over_tls_then_its_cookie_travels_over_tls_only(
    server: BridgeServer, origin: str | None, secure: bool
) -> None:
    async with ClientSession(headers={"Origin": origin} if origin else None) as http:
        wish = {"login": "agent", "password": PASSWORD}
        async with http.post(f"{server.url}/api/v1/session", json=wish) as answer:
            assert answer.status == 200
            assert bool(answer.cookies[COOKIE]["secure"]) is secure
