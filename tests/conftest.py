"""Databases of one's own, for every test that asks for ``database``, and a server of the bridge."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from switchroom.runtime.clock import SystemClock
from switchroom.storage.database import Database
from tests.fixtures.bridge_server import BridgeServer
from tests.fixtures.postgres import Postgres, emptied, running_postgres
from tests.fixtures.sqlite import migrated

SQLITE = "sqlite+aiosqlite:///"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs PostgreSQL is left to ``script/test``, which installs it."""
    for item in items:
        if isinstance(item, pytest.Function):
            url = item.callspec.params.get("url") if hasattr(item, "callspec") else None
            if url == "postgresql" or "postgres" in item.fixturenames:
                item.add_marker("thorough")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is, of either kind."""
    if request.param == "sqlite":
        return f"{SQLITE}{tmp_path}/switchroom.db"
    server: Postgres = request.getfixturevalue("postgres")
    return await emptied(server)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    if url.startswith(SQLITE):
        database = await migrated(Path(url.removeprefix(SQLITE)))
    else:
        database = Database(url)
        await database.upgrade()
    yield database
    await database.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[BridgeServer]:
    server = BridgeServer(tmp_path, SystemClock())
    await server.start()
    yield server
    await server.stop()
