"""Why this agent, or why nobody: a decision and its reasons, made when somebody asks.

A decision costs the running server nothing but the offer that it makes. Who was free then, who was not and why, and
whom a head-start had passed, is made from what the event log tells of the agents and the line up to that moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acd.core.rules.skill_levels import fitness, meets
from switchroom.domain.contact import Requirements
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, OfferId

MAX_LISTED = 50
"""At most so many candidates and exclusions are listed."""

Skills = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentThen:
    """An agent as they were before a decision."""

    id: AgentId
    skills: Skills
    since: datetime
    state: AgentState = AgentState.LOGGED_OUT
    phone_registered: bool = False


@dataclass(frozen=True, slots=True)
class WaitedThen:
    """A contact that waited at the time of a decision, with what was required of its agent."""

    enqueued_at: datetime
    skills: Skills


def decision(
    requirements: Requirements,
    *,
    enqueued_at: datetime,
    at: datetime,
    head_start_s: float,
    agent_id: AgentId | None = None,
    offer_id: OfferId | None = None,
) -> dict[str, Any]:
    """A decision as JSON values, without its reasons: this agent with this offer, or nobody then."""
    return {
        "kind": "wait" if agent_id is None else "assign",
        "agent": agent_id,
        "offer": offer_id,
        "queue": requirements.queue,
        "tier": requirements.tier.value,
        "required": dict(requirements.skills),
        "enqueued_at": enqueued_at.isoformat(),
        "waited_s": round((at - enqueued_at).total_seconds(), 1),
        "head_start_s": head_start_s,
        "at": at.isoformat(),
    }


def reasons(
    decision: Mapping[str, Any], agents: Iterable[AgentThen], line: Iterable[WaitedThen] | None = None
) -> dict[str, Any]:
    """The decision with candidates, exclusions, scores, and the number of contacts that a head-start let it pass.

    ``line`` are the others that waited; None where that is not known: then ``overtaken`` is None too.
    """
    required: Skills = decision["required"]
    at = datetime.fromisoformat(decision["at"])
    candidates: list[dict[str, Any]] = []
    excluded: list[dict[str, str]] = []
    chosen: AgentThen | None = None
    for agent in agents:
        if agent.id == decision["agent"]:
            chosen = agent
        elif agent.state is not AgentState.AVAILABLE or not agent.phone_registered or not meets(required, agent.skills):
            if len(excluded) < MAX_LISTED:
                excluded.append({"agent": agent.id, "why": _exclusion(agent, required)})
            continue
        idle_s = round((at - agent.since).total_seconds(), 1)
        candidates.append({"agent": agent.id, "fitness": fitness(required, agent.skills), "idle_s": idle_s})
    candidates.sort(key=lambda c: (-c["fitness"], -c["idle_s"], c["agent"]))
    return {
        **decision,
        "overtaken": _overtaken(decision, chosen, line),
        "candidates": candidates[:MAX_LISTED],
        "excluded": excluded,
    }


def _overtaken(decision: Mapping[str, Any], chosen: AgentThen | None, line: Iterable[WaitedThen] | None) -> int | None:
    """How many came earlier and could have had this agent, had there been no head-start."""
    if chosen is None or decision["head_start_s"] == 0:
        return 0
    if line is None:
        return None
    came = datetime.fromisoformat(decision["enqueued_at"])
    return sum(other.enqueued_at < came and meets(other.skills, chosen.skills) for other in line)


def _exclusion(agent: AgentThen, required: Skills) -> str:
    for skill, level in required.items():
        if agent.skills.get(skill, 0) < level:
            return f"skill:{skill}"
    return "phone" if agent.state is AgentState.AVAILABLE else f"state:{agent.state}"


def sentences(found: Mapping[str, Any], language: str) -> list[str]:
    """The decision with its `reasons` in plain words, in ``zh-CN`` or ``en-US``."""
    chinese = language.startswith("zh")
    lines = [(_head_zh if chinese else _head_en)(found)]
    for candidate in found["candidates"]:
        agent, fit, idle = candidate["agent"], candidate["fitness"], candidate["idle_s"]
        lines.append(
            f"  可接：{agent}，技能合计 {fit}，已空闲 {idle} 秒"
            if chinese
            else f"  could take it: {agent}, skills {fit}, idle for {idle} s"
        )
    for exclusion in found["excluded"]:
        why = (_why_zh if chinese else _why_en)(exclusion["why"])
        lines.append(f"  未选：{exclusion['agent']}，{why}" if chinese else f"  not: {exclusion['agent']}, {why}")
    return lines


def _head_zh(found: Mapping[str, Any]) -> str:
    needs = "、".join(f"{skill}≥{level}" for skill, level in found["required"].items()) or "无"
    who = f"{found['tier']} 客户在「{found['queue']}」等待 {found['waited_s']} 秒，要求技能 {needs}"
    if found["agent"] is None:
        return f"{who}；此刻无人可接，继续等待。"
    overtaken = found["overtaken"]
    passed = f"先于 {overtaken} 位更早来的客户" if overtaken else "可先于更早来的客户（队列太长，未逐一计数）"
    ahead = f"；因等级提前 {found['head_start_s']} 秒，{passed}" if overtaken != 0 else ""
    return f"{who}；分给坐席 {found['agent']}{ahead}。"


def _head_en(found: Mapping[str, Any]) -> str:
    needs = ", ".join(f"{skill}≥{level}" for skill, level in found["required"].items()) or "nothing"
    who = f"A {found['tier']} customer had waited {found['waited_s']} s in '{found['queue']}', asking for {needs}"
    if found["agent"] is None:
        return f"{who}; nobody could take it then, so it waits."
    overtaken = found["overtaken"]
    passed = f"ahead of {overtaken} who came earlier" if overtaken else "perhaps ahead of some of a long line"
    ahead = f", {passed} (head-start {found['head_start_s']} s)" if overtaken != 0 else ""
    return f"{who}; given to agent {found['agent']}{ahead}."


def _why_zh(why: str) -> str:
    kind, _, what = why.partition(":")
    return {"skill": f"技能 {what} 不足", "state": f"状态 {what}", "phone": "话机未注册"}[kind]


def _why_en(why: str) -> str:
    kind, _, what = why.partition(":")
    return {"skill": f"lacks {what}", "state": f"is {what}", "phone": "phone not registered"}[kind]
