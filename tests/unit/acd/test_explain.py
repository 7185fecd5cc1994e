"""A decision says why, in Chinese and in English."""

from datetime import UTC, datetime, timedelta

from acd.explain import AgentThen, WaitedThen, decision, reasons, sentences
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, OfferId, QueueName

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def agent(number: str, state: AgentState = AgentState.AVAILABLE, *, level: int = 5, phone: bool = True) -> AgentThen:
    since = NOW - timedelta(seconds=40)
    return AgentThen(id=AgentId(number), skills={"returns": level}, since=since, state=state, phone_registered=phone)


def decided(agent_id: str | None) -> dict[str, object]:
    return decision(
        Requirements(QueueName("returns"), {"returns": 3}, CustomerTier.GOLD),
        enqueued_at=NOW - timedelta(seconds=12),
        at=NOW,
        head_start_s=60.0,
        agent_id=AgentId(agent_id) if agent_id else None,
        offer_id=OfferId("o") if agent_id else None,
    )


AGENTS = [
    agent("1001"),
    agent("1002", level=9),
    agent("1003", AgentState.BUSY),
    agent("1004", level=2),
    agent("1005", phone=False),
]
EARLIER = WaitedThen(NOW - timedelta(seconds=20), {"returns": 1})
LINE = [
    *(EARLIER,) * 3,
    WaitedThen(NOW - timedelta(seconds=20), {"returns": 10}),
    WaitedThen(NOW - timedelta(seconds=2), {"returns": 1}),
]


def test_candidates_are_ranked_and_every_exclusion_has_its_reason() -> None:
    found = reasons(decided("1002"), AGENTS, LINE)
    assert [(c["agent"], c["fitness"]) for c in found["candidates"]] == [("1002", 9), ("1001", 5)]
    assert {e["agent"]: e["why"] for e in found["excluded"]} == {
        "1003": "state:busy",
        "1004": "skill:returns",
        "1005": "phone",
    }
    assert (found["waited_s"], found["head_start_s"], found["overtaken"]) == (12.0, 60.0, 3)


def test_it_is_said_in_plain_words() -> None:
    found = reasons(decided("1002"), AGENTS, LINE)
    english, chinese = sentences(found, "en-US"), sentences(found, "zh-CN")
    assert english[0] == (
        "A gold customer had waited 12.0 s in 'returns', asking for returns≥3; given to agent 1002,"
        " ahead of 3 who came earlier (head-start 60.0 s)."
    )
    assert "  not: 1003, is busy" in english
    assert "  未选：1004，技能 returns 不足" in chinese
    assert len(chinese) == len(english) == 6


def test_given_nobody_then_it_says_that_the_caller_waits() -> None:
    assert "nobody could take it" in sentences(reasons(decided(None), AGENTS[2:], []), "en-US")[0]
