"""What the demonstration found out: each call as it was, and the checks that must hold."""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.scenario import ORDER, Play

AUDIBLE_RMS = 0.005
"""About -46 dBFS: below this a side of a recording is as good as silent."""

CUT_WITHIN_MS = 1500.0
"""The prompt has more than twice as long to go when it is interrupted."""
COMPLETE_WITHIN_S = 60.0

TALKS = ("b-first", "b-gold", "b-ordinary", "c", "d")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


async def gather(play: Play) -> dict[str, dict[str, Any]]:
    """Each call's whole story by part, once its recording and its ticket are there."""
    stories: dict[str, dict[str, Any]] = {}

    deadline = time.monotonic() + COMPLETE_WITHIN_S
    while not stories or (not all(map(_complete, stories.items())) and time.monotonic() < deadline):
        stories = {part: await play.board.get(f"contacts/{contact_id}") for part, contact_id in play.ids.items()}
        await asyncio.sleep(0.1)
    return stories


def _complete(item: tuple[str, dict[str, Any]]) -> bool:
    part, story = item
    talked = story["recordings"] and story["contact"]["ticket_id"] and _ready(story)
    return bool(story["contact"]["ended_at"] and (talked or part not in TALKS))


def _ready(story: dict[str, Any]) -> list[dict[str, Any]]:
    return [e["data"] for e in story["events"] if e["type"] == "switchroom.recording.ready"]


def as_call(story: dict[str, Any], customer: str | None, recordings: Path) -> dict[str, Any]:
    """One entry of ``calls`` in the JSON that the demonstration writes."""
    call = story["contact"]
    recording = story["recordings"][0] if story["recordings"] else None
    ready = _ready(story)
    return {
        "contact_id": call["contact_id"],
        "number": call["number"],
        "caller": call["caller"],
        "customer": customer,
        "tier": call["tier"],
        "flow": call["flow"],
        "path": call["path"],
        "inputs": [{"kind": one["kind"], "value": one["value"]} for one in call["inputs"]],
        "queue": call["queue"],
        "agent": call["agent_id"],
        "entered_at": call["entered_at"],
        "enqueued_at": call["enqueued_at"],
        "offered_at": call["offered_at"],
        "popped_at": call["popped_at"],
        "shown_at": call["shown_at"],
        "ringing_at": call["ringing_at"],
        "answered_at": call["answered_at"],
        "ended_at": call["ended_at"],
        "brand": call["brand"],
        "visits": call["visits"],
        "legs": [
            {"party": "caller", "from": call["entered_at"], "to": call["ended_at"]},
            *(
                {"party": "agent", "agent": talk["agent_id"], "from": talk["began_at"], "to": talk["ended_at"]}
                for talk in call["talks"]
            ),
        ],
        "outcome": call["outcome"],
        "ticket_id": call["ticket_id"],
        "recording": None
        if recording is None or not ready
        else {
            "path": str(recordings / ready[-1]["path"]),
            "seconds": recording["seconds"],
            "left_rms": recording["left_rms"],
            "right_rms": recording["right_rms"],
        },
        "survey": None,
    }


def checks(calls: dict[str, dict[str, Any]], play: Play) -> list[Check]:
    """Everything that must hold, with what was found."""
    talks = [calls[part] for part in TALKS]
    return [
        *_self_service(calls["a"]),
        *_gold_first(calls["b-first"], calls["b-gold"], calls["b-ordinary"]),
        *_spoken(calls["c"], play.interrupted_ms),
        *_missed(calls["d"], play),
        *_every_talk(talks),
        Check("every call ended", all(call["ended_at"] for call in calls.values()), f"{len(calls)} calls"),
    ]


def _self_service(call: dict[str, Any]) -> list[Check]:
    keys = [one["value"] for one in call["inputs"]]
    path = " > ".join(call["path"])
    return [
        Check("a: served by the menu alone", call["outcome"] == "self_service", f"{call['outcome']}: {path}"),
        Check("a: the order number was understood", ORDER in keys, f"keys {keys}"),
    ]


def _gold_first(first: dict[str, Any], gold: dict[str, Any], ordinary: dict[str, Any]) -> list[Check]:
    in_order = _time(gold["answered_at"]) < _time(ordinary["answered_at"])
    agents = [one["agent"] for one in (first, gold, ordinary)]
    return [
        Check(
            "b: gold was served before the ordinary caller who came first",
            in_order and _time(ordinary["entered_at"]) < _time(gold["entered_at"]),
            f"gold {_time(gold['answered_at']):%H:%M:%S}, ordinary {_time(ordinary['answered_at']):%H:%M:%S}",
        ),
        Check("b: one agent served all three", set(agents) == {"1001"}, " ".join(map(str, agents))),
    ]


def _spoken(call: dict[str, Any], interrupted_ms: float | None) -> list[Check]:
    words = [one["value"] for one in call["inputs"] if one["kind"] == "speech"]
    return [
        Check("c: the word was understood", words == ["returns"], f"heard {words}"),
        Check(
            "c: the voice cut the prompt short",
            interrupted_ms is not None and interrupted_ms < CUT_WITHIN_MS,
            "the prompt went on" if interrupted_ms is None else f"silent {interrupted_ms:.0f} ms after the first sound",
        ),
        Check("c: an agent with the skill in English answered", call["agent"] == "1003", f"agent {call['agent']}"),
    ]


def _missed(call: dict[str, Any], play: Play) -> list[Check]:
    missed = [(one["agent_id"], one["failure"]) for one in play.events(call["contact_id"], "switchroom.offer.failed")]
    places = {_time(one["enqueued_at"]) for one in play.events(call["contact_id"], "switchroom.contact.queued")}
    return [
        Check("d: the first agent did not answer", missed == [("1002", "no_answer")], str(missed)),
        Check(
            "d: the next agent answered, and the caller had kept its place",
            call["agent"] == "1003" and places == {_time(call["enqueued_at"])},
            f"agent {call['agent']}, in line since {_time(call['enqueued_at']):%H:%M:%S}",
        ),
    ]


def _every_talk(talks: list[dict[str, Any]]) -> list[Check]:
    leads = [_pop_led_ms(talk) for talk in talks]
    tickets = [talk["ticket_id"] for talk in talks]
    recordings = [talk["recording"] for talk in talks]
    audible = [one for one in recordings if one and min(one["left_rms"], one["right_rms"]) > AUDIBLE_RMS]
    return [
        Check(
            "every pop was on the screen before the phone rang",
            min(leads) > 0,
            "the desktop acknowledged it earlier by " + ", ".join(f"{lead:.0f} ms" for lead in leads),
        ),
        Check(
            "each conversation opened exactly one ticket",
            None not in tickets and len(set(tickets)) == len(talks),
            f"tickets {tickets}",
        ),
        Check(
            "each conversation was recorded, both sides audible",
            len(audible) == len(talks),
            ", ".join(f"{one['seconds']:.1f} s" for one in audible),
        ),
    ]


def _pop_led_ms(talk: dict[str, Any]) -> float:
    """From the desktop's word that the pop is drawn to the first ring; endlessly late when either never came."""
    shown_at, ringing_at = talk["shown_at"], talk["ringing_at"]
    if not shown_at or not ringing_at:
        return -math.inf
    return (_time(ringing_at) - _time(shown_at)).total_seconds() * 1000


def _time(text: str | None) -> datetime:
    """What never happened is later than all that did."""
    return datetime.fromisoformat(text) if text else datetime.max.replace(tzinfo=UTC)


def to_json(calls: Sequence[dict[str, Any]], found: Sequence[Check]) -> dict[str, Any]:
    return {"calls": list(calls), "checks": [asdict(check) for check in found]}
