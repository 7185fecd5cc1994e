"""The demonstration's verdict, on stories told by the test."""

import time
from collections.abc import Iterator
from typing import Any, cast

import aiohttp
import pytest

from demo.desk import Desk
from demo.people import Stage
from demo.report import TALKS, Check, checks
from demo.scenario import Play

POP = "every pop was on the screen before the phone rang"
AT = "2026-01-08T12:00:0{}+00:00"


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


def call(**known: Any) -> dict[str, Any]:
    times = ("entered", "enqueued", "offered", "popped", "shown", "ringing", "answered", "ended")
    nothing: dict[str, Any] = {f"{one}_at": None for one in times}
    nothing |= {"contact_id": "c", "inputs": [], "path": [], "outcome": None, "agent": None}
    return {**nothing, "ticket_id": None, "recording": None, **known}


def verdict(**known: Any) -> dict[str, Check]:
    """Every call of the demonstration was like this one."""
    play = Play(cast(Stage, None), Desk(cast(aiohttp.ClientSession, None), "", None))
    return {check.name: check for check in checks({part: call(**known) for part in ("a", *TALKS)}, play)}


@pytest.mark.usefixtures("shanghai")
def test_given_calls_to_which_nothing_happened_then_no_check_holds_east_of_greenwich_either() -> None:
    assert [check.name for check in verdict().values() if check.ok] == []


def test_the_pop_counts_from_the_desktops_acknowledgement() -> None:
    seen = verdict(popped_at=AT.format(1), shown_at=AT.format(2), ringing_at=AT.format(3))[POP]
    assert (seen.ok, "acknowledged it earlier by 1000 ms" in seen.detail) == (True, True)
    assert not verdict(popped_at=AT.format(1), shown_at=AT.format(3), ringing_at=AT.format(2))[POP].ok


@pytest.mark.parametrize("missing", ["shown_at", "ringing_at"])
def test_given_no_acknowledgement_or_no_ringing_then_the_pop_does_not_count(missing: str) -> None:
    times = {"popped_at": AT.format(1), "shown_at": AT.format(2), "ringing_at": AT.format(3)}
    assert not verdict(**{**times, missing: None})[POP].ok
