"""The desktop in a real browser against the real API; only ACD and telephone are fakes."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import BrowserContext, Page

from cti_bridge.http.app import DESKTOP
from tests.fakes.tcp_proxy import TcpProxy
from tests.fixtures.bridge_server import BridgeServer
from tests.fixtures.desktop_page import CHROMIUM, browser_context
from tests.fixtures.needed import needed


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
