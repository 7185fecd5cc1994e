"""Matching waiting contacts to free agents, indexed, pure.

The invariant: no free agent is able to serve a waiting contact. Each happening (a contact joins, an agent
becomes free) touches one side, so at most one new match comes of it, and it is found without looking at the others:

* contacts that require the same skills form a *class*, a heap by place in line;
* agents with the same skills form a *profile*, a heap by the time since which they are idle;
* which classes a profile can serve is a bit mask, computed once per pair.

A free agent compares the heads of the classes that the profile serves and that somebody waits in; a joining
contact compares the heads of the profiles that can serve its class. The cost is that of these heads plus one heap
operation, whatever the length of the line.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from acd.policy import fitness, meets
from switchroom.domain.contact import Waiting
from switchroom.domain.ids import AgentId, ContactId

Skills = frozenset[tuple[str, int]]

MOST_EMPTY = 256
"""Classes in which nobody waits are kept, for most come again, but not more than these."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A waiting contact with its place in line (`acd.policy.line_key`)."""

    contact_id: ContactId
    waiting: Waiting
    key: float


@dataclass(frozen=True, slots=True)
class Match:
    """An agent and the contact that this agent should get."""

    entry: QueueEntry
    agent_id: AgentId


@dataclass(slots=True)
class _Class:
    """Contacts with the same required skills. Removed entries stay in the heap until they surface."""

    bit: int
    required: Mapping[str, int]
    heap: list[tuple[float, datetime, ContactId]] = field(default_factory=list)
    waiting: int = 0


@dataclass(slots=True)
class _Profile:
    """Agents with the same skills. Agents no longer free stay in the heap until they surface."""

    skills: Mapping[str, int]
    serves: int = 0
    heap: list[tuple[datetime, AgentId]] = field(default_factory=list)
    free: int = 0


class RoutingIndex:
    """The waiting contacts and the free agents, indexed for matching."""

    def __init__(self) -> None:
        self._classes: dict[Skills, _Class] = {}
        self._by_bit: dict[int, _Class] = {}
        self._free_bits: list[int] = []
        self._profiles: dict[Skills, _Profile] = {}
        self._entries: dict[ContactId, tuple[QueueEntry, _Class]] = {}
        self._free: dict[AgentId, tuple[datetime, _Profile]] = {}
        self._occupied = 0
        """Bit mask of the classes in which somebody waits."""

    def add_entry(self, entry: QueueEntry) -> None:
        """Let a contact wait; one that waits already keeps its first place."""
        if entry.contact_id in self._entries:
            return
        cls = self._class(entry.waiting.requirements.skills)
        self._entries[entry.contact_id] = (entry, cls)
        heapq.heappush(cls.heap, (entry.key, entry.waiting.enqueued_at, entry.contact_id))
        cls.waiting += 1
        self._occupied |= cls.bit

    def remove_entry(self, contact_id: ContactId) -> QueueEntry | None:
        known = self._entries.pop(contact_id, None)
        if known is None:
            return None
        entry, cls = known
        cls.waiting -= 1
        if not cls.waiting:
            cls.heap.clear()
            self._occupied &= ~cls.bit
            if len(self._classes) - self._occupied.bit_count() > MOST_EMPTY:
                self._drop_empty()
        return entry

    def add_agent(self, agent_id: AgentId, skills: Mapping[str, int], idle_since: datetime) -> None:
        """Count an agent as free; one that is free already keeps the first time."""
        if agent_id in self._free:
            return
        profile = self._profile(skills)
        self._free[agent_id] = (idle_since, profile)
        heapq.heappush(profile.heap, (idle_since, agent_id))
        profile.free += 1

    def remove_agent(self, agent_id: AgentId) -> None:
        known = self._free.pop(agent_id, None)
        if known is not None:
            known[1].free -= 1
            if not known[1].free:
                known[1].heap.clear()

    def match_agent(self, agent_id: AgentId) -> Match | None:
        """The contact that a free agent should serve: the one furthest ahead among those that the agent can."""
        known = self._free.get(agent_id)
        if known is None:
            return None
        best: tuple[float, datetime, ContactId] | None = None
        candidates = known[1].serves & self._occupied
        while candidates:
            bit = candidates & -candidates
            candidates ^= bit
            head = self._head(self._by_bit[bit])
            if best is None or head < best:
                best = head
        return None if best is None else Match(self._entries[best[2]][0], agent_id)

    def match_entry(self, contact_id: ContactId) -> Match | None:
        """The agent who should serve a waiting contact: the fittest, among equals the longest idle."""
        known = self._entries.get(contact_id)
        if known is None:
            return None
        entry, cls = known
        best: tuple[int, datetime, AgentId] | None = None
        for profile in self._profiles.values():
            if profile.free and profile.serves & cls.bit:
                idle_since, agent_id = self._first_free(profile)
                rank = (-fitness(cls.required, profile.skills), idle_since, agent_id)
                if best is None or rank < best:
                    best = rank
        return None if best is None else Match(entry, best[2])

    def entries(self) -> Iterator[QueueEntry]:
        """All waiting contacts, in no order."""
        return (entry for entry, _ in self._entries.values())

    def __contains__(self, contact_id: ContactId) -> bool:
        return contact_id in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def _head(self, cls: _Class) -> tuple[float, datetime, ContactId]:
        while not self._stands(cls.heap[0], cls):
            heapq.heappop(cls.heap)
        return cls.heap[0]

    def _stands(self, item: tuple[float, datetime, ContactId], cls: _Class) -> bool:
        """Whether the contact still waits there: not gone, nor of other requirements or in another place by now."""
        known = self._entries.get(item[2])
        return known is not None and known[1] is cls and known[0].key == item[0]

    def _first_free(self, profile: _Profile) -> tuple[datetime, AgentId]:
        while True:
            idle_since, agent_id = profile.heap[0]
            known = self._free.get(agent_id)
            if known is not None and known[1] is profile and known[0] == idle_since:
                return profile.heap[0]
            heapq.heappop(profile.heap)

    def _class(self, skills: Mapping[str, int]) -> _Class:
        key = frozenset(skills.items())
        cls = self._classes.get(key)
        if cls is None:
            bit = self._free_bits.pop() if self._free_bits else 1 << len(self._by_bit)
            cls = self._classes[key] = self._by_bit[bit] = _Class(bit, dict(skills))
            for profile in self._profiles.values():
                if meets(cls.required, profile.skills):
                    profile.serves |= cls.bit
        return cls

    def _drop_empty(self) -> None:
        """Forget the classes in which nobody waits: skills made from what callers enter never come again."""
        dropped = 0
        for key, cls in tuple(self._classes.items()):
            if not cls.waiting:
                del self._classes[key], self._by_bit[cls.bit]
                self._free_bits.append(cls.bit)
                dropped |= cls.bit
        for profile in self._profiles.values():
            profile.serves &= ~dropped

    def _profile(self, skills: Mapping[str, int]) -> _Profile:
        key = frozenset(skills.items())
        profile = self._profiles.get(key)
        if profile is None:
            profile = self._profiles[key] = _Profile(dict(skills))
            for cls in self._classes.values():
                if meets(cls.required, profile.skills):
                    profile.serves |= cls.bit
        return profile
