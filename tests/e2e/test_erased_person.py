"""A customer who really called, talked and was recorded is erased: nothing on the disk names them any more."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from demo.scenario import WANG_FANG
from switchroom.domain.user import Role
from switchroom.storage.accounts import Accounts
from switchroom.storage.database import Database
from tests.e2e.whole_system import asks_for_returns, newest_call, own_settings, seat, until_call, whole_system

NAME = "王芳"
BOOKED_WITHIN_S = 120.0
"""The softswitch's journal is booked each minute; until then an erasure is refused."""


@pytest.mark.timeout(300)
async def test_given_a_real_call_when_its_customer_is_erased_then_no_file_names_them_and_the_recording_is_gone(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    settings = own_settings(monkeypatch, short_home)
    async with whole_system(settings) as house, seat(house.stage, "1001", answer_after_s=0.2):
        caller = await asks_for_returns(house.stage, house.board, WANG_FANG)
        await until_call(house.board, WANG_FANG, lambda found: bool(found.get("answered_at")), "answered")
        await asyncio.sleep(2)
        caller.hang_up()
        await until_call(house.board, WANG_FANG, lambda found: bool(found["recording_id"]), "recorded")
        call = await newest_call(house.board, WANG_FANG)
        assert len(list(settings.recordings.rglob("*.wav"))) == 1
        assert any(name.startswith("switchroom.db") for name in await asyncio.to_thread(naming, short_home))

        database = Database(settings.database)
        token = await Accounts(database).create_token(Role.ADMIN, "eraser")
        await database.close()
        api = f"http://{settings.http.host}:{settings.http.port}/api/v1"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:

            async def erased() -> bool:
                async with http.delete(f"{api}/customers/{call['customer_id']}") as answer:
                    assert answer.status in (204, 409), await answer.text()
                    return answer.status == 204

            async with asyncio.timeout(BOOKED_WITHIN_S):
                while not await erased():
                    await asyncio.sleep(1)
            async with http.get(f"{api}/recordings/{call['recording_id']}") as answer:
                assert answer.status == 404
            async with http.get(f"{api}/contacts/{call['contact_id']}") as answer:
                told = await answer.text()
        assert WANG_FANG not in told and NAME not in told
        assert [path for path in settings.recordings.rglob("*") if path.is_file()] == []
        assert await asyncio.to_thread(naming, short_home) == []


def naming(folder: Path) -> list[str]:
    """The files below ``folder`` in which the number or the name stands."""
    wanted = (WANG_FANG.encode(), NAME.encode(), NAME.encode("unicode_escape"))
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(one in path.read_bytes() for one in wanted)
    ]
