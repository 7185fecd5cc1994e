"""A decision says why, in Chinese and in English."""

from datetime import UTC, datetime, timedelta

from acd.agents import Agent
from acd.explain import decision, sentences
from acd.routing import QueueEntry
from switchroom.domain.contact import CustomerTier, Requirements, Waiting
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def agent(number: str, state: AgentState = AgentState.AVAILABLE, *, level: int = 5, phone: bool = True) -> Agent:
    since = NOW - timedelta(seconds=40)
    return Agent(
        id=AgentId(number),
        extension=Extension(number),
        name=number,
        skills={"returns": level},
        since=since,
        state=state,
        phone_registered=phone,
    )


def gold_entry() -> QueueEntry:
    came = NOW - timedelta(seconds=12)
    waiting = Waiting(Requirements(QueueName("returns"), {"returns": 3}, CustomerTier.GOLD), came)
    return QueueEntry(ContactId("c"), waiting, came.timestamp() - 60)


AGENTS = [
    agent("1001"),
    agent("1002", level=9),
    agent("1003", AgentState.BUSY),
    agent("1004", level=2),
    agent("1005", phone=False),
]


def test_candidates_are_ranked_and_every_exclusion_has_its_reason() -> None:
    found = decision(gold_entry(), AgentId("1002"), AGENTS, 3, NOW)
    assert [(c["agent"], c["fitness"]) for c in found["candidates"]] == [("1002", 9), ("1001", 5)]
    assert {e["agent"]: e["why"] for e in found["excluded"]} == {
        "1003": "state:busy",
        "1004": "skill:returns",
        "1005": "phone",
    }
    assert (found["waited_s"], found["head_start_s"], found["overtaken"]) == (12.0, 60.0, 3)


def test_it_is_said_in_plain_words() -> None:
    found = decision(gold_entry(), AgentId("1002"), AGENTS, 3, NOW)
    english, chinese = sentences(found, "en-US"), sentences(found, "zh-CN")
    assert english[0] == (
        "A gold customer had waited 12.0 s in 'returns', asking for returns≥3; given to agent 1002,"
        " ahead of 3 who came earlier (head-start 60.0 s)."
    )
    assert "  not: 1003, is busy" in english
    assert "  未选：1004，技能 returns 不足" in chinese
    assert len(chinese) == len(english) == 6


def test_given_nobody_then_it_says_that_the_caller_waits() -> None:
    assert "nobody could take it" in sentences(decision(gold_entry(), None, AGENTS[2:], 0, NOW), "en-US")[0]
