"""What a routing decision costs, against looking at everybody, in the same run.

The work: an agent becomes free, the contact furthest ahead among those that the agent can serve is found and taken out,
and a new contact joins. 1,000 agents in 120 skill profiles, 174 kinds of contacts.
"""

import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from acd.policy import line_key, meets
from acd.routing import QueueEntry, RoutingIndex
from switchroom.domain.contact import CustomerTier, Requirements, Waiting
from switchroom.domain.ids import AgentId, ContactId, QueueName

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
HEAD_START = {CustomerTier.GOLD: timedelta(seconds=60), CustomerTier.PLATINUM: timedelta(seconds=120)}
SKILLS = [f"s{number}" for number in range(12)]
AGENTS, PROFILES, KINDS = 1000, 120, 174


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds a decision: ours, and the scan's; medians of the runs, ours at p99 as well."""

    waiting: int
    ours_us: float
    ours_p99_us: float
    scan_us: float

    @property
    def ratio(self) -> float:
        return self.scan_us / self.ours_us


class _World:
    """A line of ``waiting`` contacts, the same for both sides."""

    def __init__(self, waiting: int, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  # a repeatable load, no secret
        self._dice = dice
        self.profiles = [
            {s: dice.randint(1, 10) for s in dice.sample(SKILLS, dice.randint(2, 6))} for _ in range(PROFILES)
        ]
        self.kinds = [
            ({s: dice.randint(1, 4) for s in dice.sample(SKILLS, dice.randint(1, 2))}, dice.choice(list(CustomerTier)))
            for _ in range(KINDS)
        ]
        self._next = 0
        self.entries = {entry.contact_id: entry for entry in (self.entry() for _ in range(waiting))}

    def entry(self) -> QueueEntry:
        skills, tier = self._dice.choice(self.kinds)
        came = START + timedelta(seconds=self._next * 0.05)
        self._next += 1
        waiting = Waiting(Requirements(QueueName("q"), skills, tier), came)
        return QueueEntry(ContactId(f"c{self._next}"), waiting, line_key(came, tier, HEAD_START))


def measure(waiting: int, decisions: int, runs: int = 5) -> Measured:
    """Both sides in alternating runs."""
    ours: list[float] = []
    tails: list[float] = []
    scans: list[float] = []
    for run in range(runs):
        sides = [_ours, _scan] if run % 2 == 0 else [_scan, _ours]
        for side in sides:
            budget = decisions if side is _ours else max(20, min(decisions, 2_000_000 // waiting))
            times = side(_World(waiting, run), budget)
            if side is _ours:
                ours.append(statistics.median(times))
                tails.append(statistics.quantiles(times, n=100)[98])
            else:
                scans.append(statistics.median(times))
    return Measured(waiting, statistics.median(ours), statistics.median(tails), statistics.median(scans))


def _ours(world: _World, decisions: int) -> list[float]:
    index = RoutingIndex()
    for number in range(AGENTS):
        index.add_agent(AgentId(f"a{number}"), world.profiles[number % PROFILES], START)
        if number >= PROFILES:
            index.remove_agent(AgentId(f"a{number}"))
    for number in range(PROFILES):
        index.remove_agent(AgentId(f"a{number}"))
    for entry in world.entries.values():
        index.add_entry(entry)
    times = []
    for number in range(decisions):
        agent_id, skills, joining = AgentId(f"a{number % AGENTS}"), world.profiles[number % PROFILES], world.entry()
        began = time.perf_counter_ns()
        index.add_agent(agent_id, skills, START)
        match = index.match_agent(agent_id)
        index.remove_agent(agent_id)
        if match is not None:
            index.remove_entry(match.entry.contact_id)
        index.add_entry(joining)
        times.append((time.perf_counter_ns() - began) / 1000)
    return times


def _scan(world: _World, decisions: int) -> list[float]:
    entries = world.entries
    times = []
    for number in range(decisions):
        skills, joining = world.profiles[number % PROFILES], world.entry()
        began = time.perf_counter_ns()
        best = _first_of(entries, skills)
        if best is not None:
            del entries[best.contact_id]
        entries[joining.contact_id] = joining
        times.append((time.perf_counter_ns() - began) / 1000)
    return times


def _first_of(entries: Mapping[ContactId, QueueEntry], skills: Mapping[str, int]) -> QueueEntry | None:
    best: QueueEntry | None = None
    for entry in entries.values():
        if (best is None or entry.key < best.key) and meets(entry.waiting.requirements.skills, skills):
            best = entry
    return best
