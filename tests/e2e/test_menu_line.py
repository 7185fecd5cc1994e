"""A caller who does nothing: the line stays alive all the time, and a person is not far."""

from collections.abc import Callable
from datetime import datetime

import pytest

from demo.hearing import longest_gap_s
from demo.people import dial
from demo.scenario import CHINESE, ENGLISH, STRANGER
from demo.softphone import PhoneCall
from demo.system import until
from tests.e2e.whole_system import Running, newest_call, until_call

LONGEST_GAP_S = 0.2
"""Asterisk sends every 20 ms; measured were 29 ms, on a busy machine 73."""
TO_A_PERSON_S = 27.0


@pytest.mark.timeout(150)
@pytest.mark.parametrize("number", [CHINESE, ENGLISH])
async def test_given_a_caller_who_does_nothing_then_the_line_never_pauses_and_they_are_in_line_in_time(
    running: Running, number: str, record_property: Callable[[str, object], None]
) -> None:
    call = await dial(await running.stage.customer(STRANGER), number)
    await until_call(running.board, STRANGER, lambda found: bool(found.get("enqueued_at")), "in line", 80)
    found = await newest_call(running.board, STRANGER)
    entered, in_line = (datetime.fromisoformat(found[at]).timestamp() for at in ("entered_at", "enqueued_at"))
    await until(lambda: call.packets()[-1].arrived_at > in_line + 1, "the music plays")
    record_property("in line", f"after {in_line - entered:.1f} s; pauses: {pauses(call, entered, in_line)}")
    assert in_line - entered < TO_A_PERSON_S
    in_menu = [packet for packet in call.packets() if packet.arrived_at < in_line]
    assert call.answered_at is not None
    assert in_menu[0].arrived_at - call.answered_at.timestamp() < LONGEST_GAP_S
    assert longest_gap_s(in_menu) < LONGEST_GAP_S


def pauses(call: PhoneCall, entered: float, in_line: float) -> str:
    in_menu = longest_gap_s([packet for packet in call.packets() if packet.arrived_at < in_line])
    to_music = longest_gap_s([packet for packet in call.packets() if packet.arrived_at > in_line - 0.1])
    first = call.packets()[0].arrived_at - entered
    return f"in the menu {in_menu * 1000:.0f} ms, to the music {to_music * 1000:.0f} ms, first {first * 1000:.0f} ms"
