"""Who knocks at the HTTP door, under which name, and what the door says of itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from ivr.server import MediaServer
from switchroom.runtime.listening import doors
from switchroom.runtime.settings import Media
from tests.fakes.clock import FakeClock
from tests.fixtures.bridge_server import ORIGIN, PASSWORD, BridgeServer

Start = Callable[..., Awaitable[BridgeServer]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> BridgeServer:
            server = BridgeServer(tmp_path, FakeClock(), **options)
            await server.start()
            stack.push_async_callback(server.stop)
            return server

        yield make


async def log_in(server: BridgeServer, password: str, **headers: str) -> int:
    body = {"login": "supervisor", "password": password}
    async with ClientSession() as http, http.post(f"{server.url}/api/v1/session", json=body, headers=headers) as answer:
        return answer.status


async def guess_without_end(server: BridgeServer, address: str) -> None:
    for _ in range(60):
        if await log_in(server, "wrong", **{"X-Forwarded-For": address}) == 429:
            return
    pytest.fail("nobody stopped it")


async def test_given_a_trusted_proxy_when_one_client_guesses_then_the_others_log_in_and_the_audit_names_the_client(
    start: Start,
) -> None:
    server = await start(trusted_proxies=[ip_network("127.0.0.1/32")])
    with capture_logs() as log:
        await guess_without_end(server, "198.51.100.7")
    assert {entry["address"] for entry in log if entry["event"] == "audit.login_failed"} == {"198.51.100.7"}
    assert await log_in(server, PASSWORD, **{"X-Forwarded-For": "198.51.100.8"}) == 200
    invented = {"X-Forwarded-For": "203.0.113.5, 198.51.100.7"}
    assert await log_in(server, PASSWORD, **invented) == 429, "what the client itself sent is not believed"


async def test_given_no_trusted_proxy_then_the_headers_change_nothing(start: Start) -> None:
    server = await start()
    await guess_without_end(server, "198.51.100.7")
    assert await log_in(server, PASSWORD, **{"X-Forwarded-For": "198.51.100.8"}) == 429
    page = {"Origin": f"https://127.0.0.1:{server.port}", "X-Forwarded-Proto": "https"}
    assert await log_in(server, PASSWORD, **page) == 403


async def test_given_a_trusted_proxy_that_ends_tls_then_its_page_may_log_in_and_the_cookie_is_secure(
    start: Start,
) -> None:
    server = await start(trusted_proxies=[ip_network("127.0.0.0/8")])
    body = {"login": "supervisor", "password": PASSWORD}
    headers = {"Host": "switchroom.internal", "Origin": "https://switchroom.internal", "X-Forwarded-Proto": "https"}
    async with ClientSession() as http, http.post(f"{server.url}/api/v1/session", json=body, headers=headers) as answer:
        assert answer.status == 200
        assert "Secure" in answer.headers["Set-Cookie"]
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        async with http.ws_connect(f"{server.url}/api/v1/events", headers={**headers, "Cookie": cookie}) as socket:
            assert (await socket.receive_json(timeout=5))["type"] == "switchroom.hello"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("evil.example:8400", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil]", 421),
        ("[evil", 421),
        ("localhost", 200),
        ("10.1.2.3:8400", 200),
        ("[::1]:8400", 200),
        ("SWITCHROOM.internal", 200),
        (ORIGIN.removeprefix("https://"), 200),
    ],
)
async def test_given_a_name_that_is_not_ours_then_nothing_is_served(start: Start, host: str, status: int) -> None:
    server = await start()
    for path in ("/healthz", "/desktop/", "/api/v1/agents"):
        async with ClientSession() as http, http.get(server.url + path, headers={"Host": host}) as answer:
            if status == 421:
                assert answer.status == 421
                assert answer.content_type == "application/problem+json"
            else:
                assert answer.status != 421


async def raw(port: int, message: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message)
    answer = await asyncio.wait_for(reader.read(65536), 5)
    writer.close()
    return answer.decode(errors="replace")


HOST = b"Host: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    [b"GET /healthz HTTP/1.1\r\n" + HOST, b"GET /nothing HTTP/1.1\r\n" + HOST, b"\x16\x03\x01 no http\r\n\r\n"],
)
async def test_given_any_answer_then_it_tells_no_versions(start: Start, message: bytes) -> None:
    server = await start()
    unused: Any = None
    media = MediaServer(Media(port=0), unused, unused, unused, unused, unused, most=10)
    async with doors() as opened:
        await media.start(opened)
        try:
            for port in (server.port, media.port):
                answer = await raw(port, message)
                assert answer.startswith("HTTP/1.")
                assert "aiohttp" not in answer
                assert "Python" not in answer
        finally:
            await media.stop()


async def test_given_a_desktop_that_is_built_anew_then_its_new_files_are_served_and_nothing_else(
    start: Start, tmp_path: Path
) -> None:
    dist = tmp_path / "dist"
    server = await start(desktop=dist)

    async def get(name: str) -> tuple[int, str]:
        async with ClientSession() as http, http.get(f"{server.url}/desktop/{name}") as answer:
            return answer.status, await answer.text()

    assert (await get(""))[0] == 503
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("first")
    assert await get("") == (200, "first")
    (dist / "assets" / "new.js").write_text("second")
    assert await get("assets/new.js") == (200, "second")
    (tmp_path / "outside.txt").write_text("secret")
    (dist / "link.txt").symlink_to(tmp_path / "outside.txt")
    for name in ("link.txt", "..%2foutside.txt", "assets", "assets/..%2f..%2foutside.txt", "x" * 300, "%00"):
        assert (await get(name))[0] == 404, name
