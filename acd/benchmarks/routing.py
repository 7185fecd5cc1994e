"""What a routing decision costs, against looking at everybody, in the same run; and in the running service.

Bare: an agent becomes free, the contact furthest ahead among those that the agent can serve is found and taken out,
and a new contact joins. In the service: the same with everything that the service does for it (states, boards,
offers, timers, events on the bus). 1,000 agents in 120 skill profiles, 174 kinds of contacts. Times are of the CPU:
what else the machine does is not counted.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from acd.benchmarks.load import HEAD_START_S, PROFILES, QUEUE, Load
from acd.config import AcdConfig, AgentConfig, QueueConfig
from acd.core.index import RoutingIndex
from acd.core.line import QueueEntry
from acd.core.rules import Rules, standard
from acd.core.rules.skill_levels import meets
from acd.service import AcdService
from switchroom.domain import events as ev
from switchroom.domain.contact import Outcome, Requirements
from switchroom.domain.ids import ContactId, Extension, OfferId
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.garbage import spare_the_loop

__all__ = ["AGENTS", "PROFILES", "InService", "Measured", "measure", "measure_service"]

AGENTS = 1000
APART_S = 0.05
"""Between two contacts of the line."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds a decision: ours, and the scan's; medians of the runs, ours at p99 as well."""

    waiting: int
    joining_us: float
    joining_p99_us: float
    freeing_us: float
    freeing_p99_us: float
    scan_us: float

    @property
    def ratio(self) -> float:
        """How many times as long the scan takes for an agent who becomes free."""
        return self.scan_us / self.freeing_us


@dataclass(frozen=True, slots=True)
class InService:
    """Microseconds in the service, from the event (or request) to the last effect: median and p99."""

    waiting: int
    joining_us: float
    joining_p99_us: float
    freeing_us: float
    freeing_p99_us: float


def measure(waiting: int, decisions: int, runs: int = 5) -> Measured:
    """Both sides in alternating runs."""
    joining: list[list[float]] = []
    freeing: list[list[float]] = []
    scans: list[float] = []
    for run in range(runs):

        def ours(run: int = run) -> None:
            joins, frees = _ours(Load(AGENTS, run), waiting, decisions)
            joining.append(joins)
            freeing.append(frees)

        def theirs(run: int = run) -> None:
            budget = max(20, min(decisions, 2_000_000 // waiting))
            scans.append(statistics.median(_scan(Load(AGENTS, run), waiting, budget)))

        for side in (ours, theirs) if run % 2 == 0 else (theirs, ours):
            side()
    return Measured(waiting, *_quantiles(joining), *_quantiles(freeing), statistics.median(scans))


def measure_service(waiting: int, decisions: int) -> InService:
    """An event loop of its own."""
    return asyncio.run(_in_service(waiting, decisions))


def _quantiles(runs: list[list[float]]) -> tuple[float, float]:
    """The medians of the runs' p50 and p99."""
    p50 = statistics.median(statistics.median(times) for times in runs)
    return p50, statistics.median(statistics.quantiles(times, n=100)[98] for times in runs)


def _entries(load: Load, rules: Rules) -> Iterator[QueueEntry]:
    for number in itertools.count():
        needs, came, contact_id = load.dice.choice(load.kinds), number * APART_S, ContactId(f"c{number}")
        yield QueueEntry(contact_id, needs, came, (rules.place(came, needs.tier), came, contact_id))


def _ours(load: Load, waiting: int, decisions: int) -> tuple[list[float], list[float]]:
    rules = standard(HEAD_START_S)
    index, entries = RoutingIndex(rules), _entries(load, rules)
    for agent_id, skills in load.skills_of.items():
        index.add_agent(agent_id, skills, 0.0)
        index.remove_agent(agent_id)
    for entry in itertools.islice(entries, waiting):
        index.add_entry(entry)
    joins, frees = [], []
    for number in range(decisions):
        agent_id = load.agents[number % AGENTS]
        skills, joining = load.skills_of[agent_id], next(entries)

        def free() -> None:
            index.add_agent(agent_id, skills, 0.0)  # noqa: B023  # called at once
            match = index.match_agent(agent_id)  # noqa: B023
            index.remove_agent(agent_id)  # noqa: B023
            if match is not None:
                index.remove_entry(match.contact_id)

        def join() -> None:
            index.add_entry(joining)  # noqa: B023
            index.match_entry(joining.contact_id)  # noqa: B023

        frees.append(_microseconds(free))
        joins.append(_microseconds(join))
    return joins, frees


def _scan(load: Load, waiting: int, decisions: int) -> list[float]:
    entries = _entries(load, standard(HEAD_START_S))
    line = {entry.contact_id: entry for entry in itertools.islice(entries, waiting)}
    times = []
    for number in range(decisions):
        skills, joining = load.skills_of[load.agents[number % AGENTS]], next(entries)

        def free() -> None:
            best = _first_of(line, skills)  # noqa: B023  # called at once
            if best is not None:
                del line[best.contact_id]

        times.append(_microseconds(free))
        line[joining.contact_id] = joining
    return times


def _first_of(line: Mapping[ContactId, QueueEntry], skills: Mapping[str, int]) -> QueueEntry | None:
    best: QueueEntry | None = None
    for entry in line.values():
        if (best is None or entry.rank < best.rank) and meets(entry.requirements.skills, skills):
            best = entry
    return best


def _microseconds(work: Callable[[], object]) -> float:
    began = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - began) / 1000


class _Nobody:
    """`acd.channels.Channels`: no phone rings, and nothing is kept."""

    async def deliver(self, offer: ev.OfferMade) -> None: ...

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None: ...


async def _in_service(waiting: int, decisions: int) -> InService:
    load, bus, clock = Load(AGENTS), Bus(), SystemClock()
    numbers, made = itertools.count(), list[ev.OfferMade]()
    config = AcdConfig(
        agents={agent_id: AgentConfig(name=agent_id, skills=skills) for agent_id, skills in load.skills_of.items()},
        queues={QUEUE: QueueConfig(title={"en-US": "Benchmark"})},
        head_start={tier: timedelta(seconds=seconds) for tier, seconds in HEAD_START_S.items()},
        fallback=QUEUE,
    )
    acd = AcdService(config, bus, clock, _Nobody(), lambda: OfferId(f"o{next(numbers)}"))
    await acd.start()
    bus.subscribe(ev.OfferMade, made.append)
    for agent_id in load.agents:
        bus.publish(ev.PhoneChanged(at=clock.now(), extension=Extension(agent_id), registered=True))
        await acd.set_state(agent_id, "paused", None)
    bus.publish(ev.Reconciled(at=clock.now(), live=frozenset()))
    began = datetime.now(UTC) - timedelta(seconds=waiting * APART_S)
    for number in range(waiting):
        bus.publish(_queued(load, f"c{number}", began + timedelta(seconds=number * APART_S)))
    spare_the_loop()  # as the server does when it is ready
    joins, frees = [], []
    for number in range(decisions):
        agent_id, joining = load.agents[number % AGENTS], _queued(load, f"n{number}", clock.now())
        joins.append(_microseconds(lambda: bus.publish(joining)))  # noqa: B023  # called at once
        started = time.thread_time_ns()
        await acd.set_state(agent_id, "available", None)
        frees.append((time.thread_time_ns() - started) / 1000)
        await asyncio.sleep(0)
        for offer in made:
            now, contact_id = clock.now(), offer.contact_id
            bus.publish(ev.ContactConnected(at=now, contact_id=contact_id, agent_id=offer.agent_id))
            bus.publish(ev.ContactEnded(at=now, contact_id=contact_id, outcome=Outcome.CONNECTED))
            await acd.set_state(offer.agent_id, "paused", None)
        made.clear()
        await acd.set_state(agent_id, "paused", None)
    await acd.stop()
    return InService(waiting, *_quantiles([joins]), *_quantiles([frees]))


def _queued(load: Load, contact_id: str, at: datetime) -> ev.ContactQueued:
    needs = load.dice.choice(load.kinds)
    return ev.ContactQueued(at=at, contact_id=ContactId(contact_id), requirements=needs, enqueued_at=at)
