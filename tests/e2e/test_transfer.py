"""A blind transfer to a queue: the caller waits again, with everything that is known, and talks to the next agent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from demo.desk import DeskError
from demo.report import AUDIBLE_RMS
from demo.scenario import WANG_FANG
from demo.softphone import PhoneCall
from demo.system import until
from tests.e2e.audio import tone
from tests.e2e.whole_system import (
    Running,
    Seat,
    asks_for_returns,
    newest_call,
    own_settings,
    seat,
    until_call,
    whole_system,
)

RETURNS_AGENT, COMPLAINTS_AGENT = "1001", "1002"
"""Each has the skills of one of the two queues."""


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> AsyncIterator[Running]:
    async with whole_system(own_settings(monkeypatch, short_home)) as found:
        yield found


async def talks_to(house: Running, at: Seat, caller: PhoneCall, talks: int) -> dict[str, Any]:
    """The agent is rung, answers, and both hear each other; what the server says of the contact then."""
    ring = await asyncio.to_thread(at.phone.wait_call, 30.0)
    ring.answer()
    caller.play(tone(440, 3))
    ring.play(tone(1000, 3))
    await until_call(house.board, WANG_FANG, lambda found: len(found.get("talks", ())) == talks, f"talk {talks}")
    before = len(caller.heard())
    await until(lambda: len(caller.heard()) > before + 8000, "they talk")
    return await newest_call(house.board, WANG_FANG)


async def transfer(at: Seat, contact_id: str, queue: str) -> None:
    await at.desk._send("POST", f"contacts/{contact_id}/actions/transfer", {"queue": queue})


@pytest.mark.timeout(180)
async def test_given_a_transfer_to_a_queue_then_context_visits_talks_and_the_ticket_follow(house: Running) -> None:
    async with seat(house.stage, RETURNS_AGENT) as first, seat(house.stage, COMPLAINTS_AGENT) as second:
        caller = await asks_for_returns(house.stage, house.board, WANG_FANG)
        contact = await talks_to(house, first, caller, 1)
        with pytest.raises(DeskError, match="404"):
            await transfer(second, contact["contact_id"], "complaints")
        with pytest.raises(DeskError, match="422"):
            await transfer(first, contact["contact_id"], "nowhere")

        await transfer(first, contact["contact_id"], "complaints")
        await first.until_state("wrap_up")
        contact = await talks_to(house, second, caller, 2)
        assert (contact["queue"], contact["agent_id"], contact["tier"]) == ("complaints", COMPLAINTS_AGENT, "gold")
        [pop] = second.desk.pops()
        assert (pop.data["contact_id"], pop.data["customer"]["name"]) == (contact["contact_id"], "王芳")
        assert [taken["value"] for taken in pop.data["inputs"]] == ["2"]
        assert [talk["agent_id"] for talk in pop.data["talks"]] == [RETURNS_AGENT]

        caller.hang_up()
        await until_call(house.board, WANG_FANG, lambda found: bool(found["outcome"]), "over")
        over = await newest_call(house.board, WANG_FANG)
        assert over["outcome"] == "connected"
        assert [(visit["queue"], visit["ending"]) for visit in over["visits"]] == [
            ("returns", "answered"),
            ("complaints", "answered"),
        ]
        assert [talk["agent_id"] for talk in over["talks"]] == [RETURNS_AGENT, COMPLAINTS_AGENT]
        assert all(talk["ended_at"] for talk in over["talks"])
        tickets = [one for one in await house.board.get("tickets?limit=50") if one["id"] == over["ticket_id"]]
        assert len(tickets) == 1
        story: dict[str, Any] = {}

        async def recorded() -> bool:
            story.update(await house.board.get(f"contacts/{over['contact_id']}"))
            return len(story["recordings"]) == 2

        async with asyncio.timeout(20):
            while not await recorded():
                await asyncio.sleep(0.1)
        assert [one["agent_id"] for one in story["recordings"]] == [RETURNS_AGENT, COMPLAINTS_AGENT]
        assert all(min(one["left_rms"], one["right_rms"]) > AUDIBLE_RMS for one in story["recordings"])


@pytest.mark.timeout(180)
async def test_given_a_server_that_is_killed_right_after_a_transfer_then_the_caller_keeps_the_new_place(
    house: Running,
) -> None:
    async with seat(house.stage, RETURNS_AGENT) as first:
        caller = await asks_for_returns(house.stage, house.board, WANG_FANG)
        contact = await talks_to(house, first, caller, 1)
        await transfer(first, contact["contact_id"], "complaints")
        await house.system.kill_server()
        before = len(caller.heard())
        await until(lambda: len(caller.heard()) > before + 8000, "the music plays")
        await house.system.start_server()
        async with seat(house.stage, COMPLAINTS_AGENT) as second:
            contact = await talks_to(house, second, caller, 2)
            assert [visit["queue"] for visit in contact["visits"]] == ["returns", "complaints"]
            caller.hang_up()
            await second.until_state("wrap_up")
