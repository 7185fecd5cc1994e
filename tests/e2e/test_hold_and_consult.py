"""A caller on hold, in a consultation, and handed over, through the whole house: API, states, talks, recordings."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from demo.desk import DeskError
from demo.scenario import WANG_FANG
from demo.softphone import PhoneCall
from demo.system import until
from tests.e2e.audio import MUSIC, RATE, hear, heard, read_stereo, say
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

FIRST, SECOND = "1001", "1002"
"""Only the first has the skills for returns."""


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> AsyncIterator[Running]:
    async with whole_system(own_settings(monkeypatch, short_home)) as found:
        yield found


async def talks_to_first(house: Running, first: Seat) -> tuple[PhoneCall, PhoneCall, str]:
    caller = await asks_for_returns(house.stage, house.board, WANG_FANG)
    ring = await asyncio.to_thread(first.phone.wait_call, 30.0)
    ring.answer()
    await until_call(house.board, WANG_FANG, lambda found: bool(found.get("answered_at")), "answered")
    say(caller, "caller")
    say(ring, "agent")
    await hear({caller: {"agent"}, ring: {"caller"}})
    return caller, ring, (await newest_call(house.board, WANG_FANG))["contact_id"]


async def act(at: Seat, contact_id: str, action: str, **body: str) -> None:
    """Ask for it, again while the last step is still under way."""
    for _ in range(50):
        try:
            await at.desk._send("POST", f"contacts/{contact_id}/actions/{action}", body)
        except DeskError as error:
            if "409" not in str(error):
                raise
            await asyncio.sleep(0.1)
        else:
            return
    pytest.fail(f"{action} was refused for 5 s")


async def told(house: Running, contact_id: str, kind: str, times: int = 1) -> None:
    """The contact's story has this event so often."""
    found: list[str] = []
    for _ in range(100):
        story = await house.board.get(f"contacts/{contact_id}")
        found = [event["type"] for event in story["events"]]
        if found.count(f"switchroom.{kind}") == times:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"never {kind} {times} times: {found}")


async def recordings(house: Running, contact_id: str, count: int) -> list[dict[str, Any]]:
    """Those of the contact, once there are so many."""
    async with asyncio.timeout(20):
        while len(found := (await house.board.get(f"contacts/{contact_id}"))["recordings"]) != count:
            await asyncio.sleep(0.1)
    return list(found)


@pytest.mark.timeout(180)
async def test_given_a_talk_when_held_consulted_and_handed_over_then_states_talks_recordings_and_the_ticket_follow(
    house: Running,
) -> None:
    async with seat(house.stage, FIRST) as first, seat(house.stage, SECOND) as second:
        caller, agent, contact_id = await talks_to_first(house, first)
        with pytest.raises(DeskError, match="404"):
            await second.desk._send("POST", f"contacts/{contact_id}/actions/hold", {})
        await act(first, contact_id, "hold")
        await told(house, contact_id, "contact.held")
        await hear({caller: {MUSIC}, agent: ()})
        await act(first, contact_id, "resume")
        await told(house, contact_id, "contact.resumed")
        await hear({caller: {"agent"}, agent: {"caller"}})

        await act(first, contact_id, "consult", agent=SECOND)
        ring = await asyncio.to_thread(second.phone.wait_call, 30.0)
        await second.until_state("reserved")
        ring.answer()
        await told(house, contact_id, "consult.answered")
        await second.until_state("busy")
        say(ring, "expert")
        await hear({caller: {MUSIC}, agent: {"expert"}, ring: {"agent"}})
        await act(first, contact_id, "complete")
        await first.until_state("wrap_up")
        await told(house, contact_id, "contact.connected", 2)
        assert (await second.state())["state"] == "busy"
        await hear({caller: {"expert"}, ring: {"caller"}})
        caller.hang_up()
        await second.until_state("wrap_up")

        await until_call(house.board, WANG_FANG, lambda found: bool(found["outcome"]), "over")
        over = await newest_call(house.board, WANG_FANG)
        assert (over["outcome"], over["agent_id"]) == ("connected", SECOND)
        assert [visit["ending"] for visit in over["visits"]] == ["answered"]
        assert [talk["agent_id"] for talk in over["talks"]] == [FIRST, SECOND]
        assert over["talks"][0]["ended_at"] <= over["talks"][1]["began_at"] < over["talks"][1]["ended_at"]
        tickets = [one for one in await house.board.get("tickets?limit=50") if one["contact_id"] == contact_id]
        assert len(tickets) == 1
        assert [one["agent_id"] for one in await recordings(house, contact_id, 2)] == [FIRST, SECOND]


@pytest.mark.timeout(180)
async def test_given_a_conference_when_the_agent_leaves_first_then_the_recording_holds_all_that_the_others_say(
    house: Running,
) -> None:
    async with seat(house.stage, FIRST) as first, seat(house.stage, SECOND) as second:
        caller, agent, contact_id = await talks_to_first(house, first)
        await act(first, contact_id, "consult", agent=SECOND)
        expert = await asyncio.to_thread(second.phone.wait_call, 30.0)
        expert.answer()
        await told(house, contact_id, "consult.answered")
        say(expert, "expert")
        await act(first, contact_id, "conference")
        await told(house, contact_id, "agent.joined")
        await hear({caller: {"agent", "expert"}})
        agent.hang_up()
        await told(house, contact_id, "talk.ended")
        before = len(expert.heard())
        # Longer than Asterisk keeps back what it writes.
        await until(lambda: len(expert.heard()) > before + 4 * RATE, "caller and expert talk on")
        await hear({caller: {"expert"}, expert: {"caller"}})
        caller.hang_up()
        await told(house, contact_id, "talk.ended", 2)
        [recording] = await recordings(house, contact_id, 1)
        together = (len(expert.heard()) - before) / RATE
        [path] = house.system.settings.recordings.rglob(f"{contact_id}-{FIRST}-*.wav")
        left, right = read_stereo(path)
        tail = int(together * RATE) - RATE
        assert recording["seconds"] == pytest.approx(len(left) / RATE, abs=0.1)
        assert (heard(left[-tail:]), heard(right[-tail:])) == ({"caller"}, {"expert"}), "to the end"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("state", ["held", "consulting", "conference"])
async def test_given_a_kill_while_the_caller_is_not_only_talking_then_the_next_server_takes_the_call_up_as_it_is(
    house: Running, state: str
) -> None:
    async with seat(house.stage, FIRST) as first, seat(house.stage, SECOND) as second:
        caller, _, contact_id = await talks_to_first(house, first)
        if state == "held":
            await act(first, contact_id, "hold")
            await told(house, contact_id, "contact.held")
        else:
            await act(first, contact_id, "consult", agent=SECOND)
            expert = await asyncio.to_thread(second.phone.wait_call, 30.0)
            expert.answer()
            await told(house, contact_id, "consult.answered")
            say(expert, "expert")
        if state == "conference":
            await act(first, contact_id, "conference")
            await told(house, contact_id, "agent.joined")
        await house.system.kill_server()
        await hear({caller: {"agent", "expert"} if state == "conference" else {MUSIC}})
        await house.system.start_server()
        await first.until_state("busy")
        if state != "held":
            await second.until_state("busy")
        if state != "conference":
            await act(first, contact_id, "resume")
            await told(house, contact_id, "contact.resumed")
        await hear({caller: {"agent", "expert"} if state == "conference" else {"agent"}})
        caller.hang_up()
        await first.until_state("wrap_up")
        if state != "held":
            await second.until_state("wrap_up")
