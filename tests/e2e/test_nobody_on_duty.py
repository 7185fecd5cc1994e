"""A contact whom nobody on duty may ever serve: shown at once, and served from the fallback queue after the limit."""

import asyncio
from pathlib import Path

import pytest

from demo.people import dial
from demo.scenario import CHINESE, STRANGER
from tests.e2e.whole_system import newest_call, own_settings, seat, until_call, whole_system


@pytest.mark.timeout(120)
async def test_given_nobody_with_the_skill_on_duty_then_it_is_shown_and_the_caller_is_served_by_the_fallback(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    settings = own_settings(monkeypatch, short_home)
    queues = settings.dialplans / "queues.yaml"
    text = queues.read_text(encoding="utf-8").replace("wrap_up: 60s", "wrap_up: 60s\n    unserved_limit: 4s")
    queues.write_text(text, encoding="utf-8")
    async with (
        whole_system(settings) as house,
        seat(house.stage, "1001", answer_after_s=0.2) as at,  # general and returns, no complaints
    ):
        call = await dial(await house.stage.customer(STRANGER), CHINESE)
        await until_call(house.board, STRANGER, lambda found: "main" in found.get("path", []), "main")
        call.press("3")
        await until_call(house.board, STRANGER, lambda found: found.get("queue") == "complaints", "in line")
        came = (await newest_call(house.board, STRANGER))["enqueued_at"]
        found = {queue["name"]: queue for queue in await house.board.get("queues")}
        assert (found["complaints"]["waiting"], found["complaints"]["unserved"]) == (1, 1)
        await until_call(house.board, STRANGER, lambda found: bool(found.get("answered_at")), "answered", timeout_s=20)
        served = await newest_call(house.board, STRANGER)
        assert (served["queue"], served["agent_id"], served["enqueued_at"]) == ("general", at.account.agent, came)
        ring = await asyncio.to_thread(at.phone.wait_call, 5.0)
        assert ring.answered_at is not None
