"""An agent sits at any phone of the house: it is chosen at login, and rings there."""

import asyncio
import json
from pathlib import Path

import pytest

from demo.desk import open_desk
from demo.scenario import WANG_FANG
from demo.softphone import Softphone
from tests.e2e.whole_system import asks_for_returns, newest_call, own_settings, until_call, whole_system

PHONE = "8001"


@pytest.mark.timeout(120)
async def test_given_an_agent_who_logs_in_at_another_phone_then_that_phone_rings_for_them(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    settings = own_settings(monkeypatch, short_home)
    agents = settings.dialplans / "agents.yaml"
    agents.write_text(f'phones: ["{PHONE}"]\n' + agents.read_text(encoding="utf-8"), encoding="utf-8")
    async with whole_system(settings) as house:
        account = next(one for one in house.stage.accounts.agents if one.agent == "1001")
        passwords = json.loads((settings.secrets / "sip_passwords.json").read_text(encoding="utf-8"))
        with Softphone(house.stage.server, PHONE, passwords[PHONE], answer_after_s=0.2) as phone:
            url = house.stage.accounts.http
            async with open_desk(url, account.login, account.password, at=PHONE) as desk:
                await desk.ready()
                await asks_for_returns(house.stage, house.board, WANG_FANG)
                await until_call(house.board, WANG_FANG, lambda found: bool(found.get("answered_at")), "answered")
                ring = await asyncio.to_thread(phone.wait_call, 5.0)
                assert ring.answered_at is not None
                assert (await newest_call(house.board, WANG_FANG))["agent_id"] == "1001"
                [me] = await desk.get("agents")
                assert (me["extension"], me["phone_registered"], me["state"]) == (PHONE, True, "busy")
                await house.system.kill_server()
                await house.system.start_server()
                async with open_desk(url, account.login, account.password, listen=False) as again:
                    [me] = await again.get("agents")
                    assert (me["extension"], me["state"]) == (PHONE, "busy")
