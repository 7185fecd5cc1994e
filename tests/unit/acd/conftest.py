"""An ACD for every test that asks for ``house``."""

import pytest

from tests.fixtures.acd_house import House


@pytest.fixture
async def house() -> House:
    return House()
