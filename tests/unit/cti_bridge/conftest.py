"""The bridge as its tests have it: all of it over HTTP, or alone on a ledger."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from cti_bridge.customers import identification
from switchroom.storage.seed import seed_demo
from tests.fakes.clock import FakeClock
from tests.fixtures.api_client import Browser, Client
from tests.fixtures.bridge_house import House
from tests.fixtures.bridge_server import BridgeServer
from tests.fixtures.sqlite import filled


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def server(tmp_path: Path, clock: FakeClock) -> AsyncIterator[BridgeServer]:
    server = BridgeServer(tmp_path, clock, desktop=tmp_path / "dist")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: BridgeServer) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:

        async def make(login: str) -> Browser:
            # unsafe: cookies of addresses without a name
            http = await stack.enter_async_context(ClientSession(cookie_jar=CookieJar(unsafe=True)))
            browser = Browser(http, server)
            if login:
                assert await browser.log_in(login) == 200
            return browser

        yield make


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(identification, "IDENTIFIED_WITHIN_S", 10.0)  # a busy machine has slow databases
    seed = lambda database: seed_demo(database, FakeClock().now())  # noqa: E731
    database = await filled(tmp_path / "switchroom.db", "demo", seed)
    house = House(database)
    yield house
    await database.close()


@pytest.fixture
async def open_house(house: House) -> AsyncIterator[House]:
    await house.open()
    yield house
    await house.close()
