"""Live calls for every test that asks for ``house``."""

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.calls_house import House
from tests.support.virtual_time import settle


@pytest.fixture
async def house() -> AsyncIterator[House]:
    found = House()
    await found.calls.start()
    await settle()
    yield found
    await found.calls.stop()
