"""Live calls for every test that asks for ``house``, an AMI adapter for every one that asks for ``watched``."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.ami_server import AmiServer, ami_server
from tests.fixtures.calls_house import House
from tests.fixtures.watched_ami import Watched
from tests.support.virtual_time import settle


@pytest.fixture
async def house() -> AsyncIterator[House]:
    found = House()
    await found.calls.start()
    await settle()
    yield found
    await found.calls.stop()


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with ami_server() as made:
        yield made


@pytest.fixture
async def watched(server: AmiServer) -> AsyncIterator[Watched]:
    made = Watched(server)
    yield made
    await made.softswitch.stop()
