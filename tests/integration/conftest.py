"""Databases of one's own, and the desktop in a real browser against the real API; only ACD and telephone are fakes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page

from cti_bridge.http.app import DESKTOP
from switchroom.runtime.clock import SystemClock
from switchroom.storage.database import Database, upgrade
from tests.fakes.tcp_proxy import TcpProxy
from tests.fixtures.bridge_server import BridgeServer
from tests.fixtures.desktop_page import CHROMIUM, browser_context
from tests.fixtures.needed import needed
from tests.fixtures.postgres import Postgres, emptied, running_postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is, of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new/switchroom.db"
    server: Postgres = request.getfixturevalue("postgres")
    return await emptied(server)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    await upgrade(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[BridgeServer]:
    server = BridgeServer(tmp_path, SystemClock())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    needed(CHROMIUM.exists(), "Chromium")
    needed((DESKTOP / "index.html").exists(), "the built desktop")
    async with browser_context() as context:
        yield context


@pytest.fixture
async def page(server: BridgeServer, context: BrowserContext) -> AsyncIterator[Page]:
    """The desktop's page; whatever its console complains about fails the test (a foreign script, a broken policy)."""
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.goto(server.url)
    yield page
    # The browser itself reports refused requests and lost connections; those are expected here.
    expected = ("Failed to load resource", "WebSocket connection to")
    assert [said for said in complaints if not said.startswith(expected)] == []


@pytest.fixture
async def network(server: BridgeServer) -> AsyncIterator[TcpProxy]:
    """The way to the server, for a test that stalls or cuts it."""
    proxy = TcpProxy(server.port)
    await proxy.start()
    yield proxy
    proxy.flow()
    await proxy.cut()
