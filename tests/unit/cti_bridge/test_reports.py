"""Reports over the API: for those who see the whole house, summed up as asked."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from switchroom.domain.user import Role
from tests.fixtures.bridge_server import BridgeServer
from tests.fixtures.kept_contacts import NOON, Keeper


async def ask(server: BridgeServer, query: str, role: Role = Role.SUPERVISOR) -> tuple[int, Any]:
    token = await server.accounts.create_token(role, f"{role}")
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        ClientSession(headers=headers) as http,
        http.get(f"{server.url}/api/v1/reports/visits?{query}") as answer,
    ):
        return answer.status, await answer.json()


@pytest.fixture
async def two_days(server: BridgeServer, tmp_path: Path) -> None:
    keeper = Keeper(server.database, tmp_path / "files")
    long_ago = NOON - timedelta(days=2000)
    await keeper.contact("a", long_ago, queue="returns", waited_s=3)
    await keeper.contact("b", long_ago, queue="returns", waited_s=700)
    await keeper.contact("c", long_ago + timedelta(days=1), queue="sales", waited_s=12)


DAY, NEXT = "2020-07-18", "2020-07-19"


@pytest.mark.usefixtures("two_days")
async def test_given_visits_when_reported_by_day_and_by_queue_then_counts_sums_and_buckets(
    server: BridgeServer,
) -> None:
    status, days = await ask(server, f"from={DAY}&to={NEXT}")
    assert status == 200
    assert [(day["day"], day["brand"], day["queue"], day["visits"]) for day in days] == [
        (DAY, None, None, 2),
        (NEXT, None, None, 1),
    ]
    answered = days[0]["endings"]["answered"]
    assert (answered["visits"], answered["waited_s"]) == (2, 703.0)
    assert answered["buckets"] == [{"within_s": 5, "visits": 1}, {"within_s": None, "visits": 1}]

    _, queues = await ask(server, f"from={DAY}&to={NEXT}&by=brand,queue")
    assert [(one["day"], one["brand"], one["queue"], one["visits"]) for one in queues] == [
        (None, "shop", "returns", 2),
        (None, "shop", "sales", 1),
    ]
    assert await ask(server, "from=2019-01-01&to=2019-01-31") == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2020-07-18",
        "from=2020-07-19&to=2020-07-18",
        "from=2020-01-01&to=2021-12-31",
        "from=x&to=2020-07-18",
        "from=2020-07-18&to=2020-07-18&by=agent",
        "from=2020-07-18&to=2020-07-18&by=day,",
    ],
)
async def test_given_a_query_that_makes_no_sense_then_it_says_so(server: BridgeServer, query: str) -> None:
    assert (await ask(server, query))[0] == 422


@pytest.mark.parametrize("role", Role)
async def test_given_a_role_then_only_those_who_see_the_house_see_its_reports(server: BridgeServer, role: Role) -> None:
    status, _ = await ask(server, f"from={DAY}&to={DAY}", role)
    assert status == (200 if role in (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN) else 403)
