"""Why this agent, or why nobody: a decision with its reasons, as it is stored and as it is said."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from acd.agents import Agent
from acd.policy import fitness, meets
from acd.routing import QueueEntry
from switchroom.domain.ids import AgentId

MAX_LISTED = 50
"""At most so many candidates and exclusions are kept with a decision."""


def decision(
    entry: QueueEntry, chosen: AgentId | None, agents: Iterable[Agent], overtaken: int | None, now: datetime
) -> dict[str, Any]:
    """What was decided for a contact, with candidates, exclusions and scores, as JSON values.

    ``agents`` are as they were before the choice; ``overtaken`` counts the contacts that came earlier and were passed
    by a head-start.
    """
    needs = entry.waiting.requirements
    candidates: list[dict[str, Any]] = []
    excluded: list[dict[str, str]] = []
    for agent in agents:
        if not agent.eligible or not meets(needs.skills, agent.skills):
            if len(excluded) < MAX_LISTED:
                excluded.append({"agent": agent.id, "why": _exclusion(agent, needs.skills)})
        else:
            idle_s = round((now - agent.since).total_seconds(), 1)
            candidates.append({"agent": agent.id, "fitness": fitness(needs.skills, agent.skills), "idle_s": idle_s})
    candidates.sort(key=lambda c: (-c["fitness"], -c["idle_s"], c["agent"]))
    return {
        "kind": "wait" if chosen is None else "assign",
        "agent": chosen,
        "queue": needs.queue,
        "tier": needs.tier.value,
        "required": dict(needs.skills),
        "waited_s": round((now - entry.waiting.enqueued_at).total_seconds(), 1),
        "head_start_s": round(entry.waiting.enqueued_at.timestamp() - entry.key, 1),
        "overtaken": overtaken,
        "candidates": candidates[:MAX_LISTED],
        "excluded": excluded,
        "at": now.isoformat(),
    }


def _exclusion(agent: Agent, required: Mapping[str, int]) -> str:
    for skill, level in required.items():
        if agent.skills.get(skill, 0) < level:
            return f"skill:{skill}"
    return "phone" if agent.state == "available" else f"state:{agent.state}"


def sentences(found: Mapping[str, Any], language: str) -> list[str]:
    """The decision in plain words, in ``zh-CN`` or ``en-US``."""
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
