"""Matching waiting contacts to free agents, indexed.

The invariant: no free agent is able to serve a waiting contact. Each event (a contact joins, an agent becomes free)
touches one side, so at most one new match comes of it, and it is found without looking at the others:

* contacts that require the same skills form a *class*, a heap by place in line;
* agents with the same skills form a *profile*, a heap by the time since which they are free;
* which classes a profile can serve, and how well, is computed once per pair.

A free agent compares the heads of the classes that the profile serves; a joining contact compares the heads of the
fittest profiles that have somebody free. The cost is that of these heads plus one heap operation, however long the
line is. What decides is in `acd.core.rules`.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter

from acd.core.heap import LazyHeap
from acd.core.line import QueueEntry, Rank
from acd.core.rules import Rules
from switchroom.domain.ids import AgentId, ContactId

Skills = frozenset[tuple[str, int]]
Turn = tuple[float, AgentId]

MOST_EMPTY = 256
"""Classes in which nobody waits are kept, for most come again, but not more than these."""

NOBODY: Rank = (float("inf"), float("inf"), ContactId(""))
"""The head of a class in which nobody waits: after everybody."""

_HEAD = attrgetter("head")


class _Class:
    """Contacts with the same required skills."""

    __slots__ = ("_entries", "able", "groups", "head", "heap", "required", "waiting")

    def __init__(self, required: Mapping[str, int], entries: Mapping[ContactId, tuple[QueueEntry, "_Class"]]) -> None:
        self.required = required
        self.heap: LazyHeap[Rank] = LazyHeap(self._waits_here)
        self._entries = entries
        self.head = NOBODY
        self.waiting = 0
        self.able = 0
        """Bit mask of the profiles that can serve it."""
        self.groups: list[tuple[float, int]] = []
        """These profiles by fitness, the fittest first, each group as a bit mask."""

    def _waits_here(self, rank: Rank) -> bool:
        """Whether the contact still waits in this place: it has not left, nor another place by now."""
        known = self._entries.get(rank[2])
        return known is not None and known[1] is self and known[0].rank == rank


class _Profile:
    """Agents with the same skills."""

    __slots__ = ("bit", "classes", "free", "heap", "on_duty", "skills")

    def __init__(self, bit: int, skills: Mapping[str, int], heap: LazyHeap[Turn]) -> None:
        self.bit = bit
        self.skills = skills
        self.classes: list[_Class] = []
        self.heap = heap
        self.free = 0
        self.on_duty = 0


class RoutingIndex:
    """The waiting contacts and the free agents, indexed for matching."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._classes: dict[Skills, _Class] = {}
        self._profiles: dict[Skills, _Profile] = {}
        self._by_bit: dict[int, _Profile] = {}
        self._entries: dict[ContactId, tuple[QueueEntry, _Class]] = {}
        self._free: dict[AgentId, tuple[Turn, _Profile]] = {}
        self._empty = 0
        """Classes in which nobody waits."""
        self._free_profiles = 0
        """Bit mask of the profiles that have somebody free."""
        self._duty_profiles = 0
        """Bit mask of the profiles that have somebody on duty."""

    def add_entry(self, entry: QueueEntry) -> None:
        """Let a contact wait; one that waits already keeps its first place."""
        if entry.contact_id in self._entries:
            return
        cls = self._class(entry.requirements.skills)
        self._entries[entry.contact_id] = (entry, cls)
        cls.waiting += 1
        if cls.waiting == 1:
            self._empty -= 1
        cls.heap.push(entry.rank, cls.waiting)
        if entry.rank < cls.head:
            cls.head = entry.rank

    def remove_entry(self, contact_id: ContactId) -> QueueEntry | None:
        known = self._entries.pop(contact_id, None)
        if known is None:
            return None
        entry, cls = known
        cls.waiting -= 1
        if not cls.waiting:
            cls.heap.clear()
            cls.head = NOBODY
            self._empty += 1
            if self._empty > MOST_EMPTY:
                self._drop_empty()
        elif cls.head == entry.rank:
            cls.head = cls.heap.first() or NOBODY
        return entry

    def add_agent(self, agent_id: AgentId, skills: Mapping[str, int], idle_since: float) -> None:
        """Count an agent as free; one that is free already keeps the first time."""
        if agent_id in self._free:
            return
        profile = self._profile(skills)
        turn = (self._rules.turn(idle_since), agent_id)
        self._free[agent_id] = (turn, profile)
        profile.free += 1
        profile.heap.push(turn, profile.free)
        self._free_profiles |= profile.bit

    def remove_agent(self, agent_id: AgentId) -> None:
        known = self._free.pop(agent_id, None)
        if known is not None:
            profile = known[1]
            profile.free -= 1
            if not profile.free:
                profile.heap.clear()
                self._free_profiles &= ~profile.bit

    def on_duty(self, skills: Mapping[str, int], *, came: bool) -> list[ContactId]:
        """An agent with these skills came on duty, or went: the contacts for whom that makes the difference between
        somebody who may serve them and nobody."""
        profile = self._profile(skills)
        profile.on_duty += 1 if came else -1
        if profile.on_duty != came:
            return []  # others with the same skills are on duty as well
        before = self._duty_profiles
        self._duty_profiles ^= profile.bit
        changed: list[ContactId] = []
        for cls in profile.classes:
            if cls.waiting and bool(cls.able & before) is not bool(cls.able & self._duty_profiles):
                changed += [rank[2] for rank in cls.heap.items()]
        return changed

    def is_servable(self, contact_id: ContactId) -> bool:
        """Whether somebody on duty may serve a waiting contact."""
        return bool(self._entries[contact_id][1].able & self._duty_profiles)

    def match_agent(self, agent_id: AgentId) -> QueueEntry | None:
        """The contact that a free agent should serve: the one furthest ahead among those that the agent can."""
        known = self._free.get(agent_id)
        if known is None or not known[1].classes:
            return None
        head: Rank = min(map(_HEAD, known[1].classes))
        return None if head == NOBODY else self._entries[head[2]][0]

    def match_entry(self, contact_id: ContactId) -> AgentId | None:
        """The agent who should serve a waiting contact: the fittest, among equals the one whose turn it is."""
        known = self._entries.get(contact_id)
        if known is None:
            return None
        free = known[1].able & self._free_profiles
        if not free:
            return None
        for _, profiles in known[1].groups:
            if able := profiles & free:
                return self._first_of(able)
        raise AssertionError("a profile that can serve is in no group")

    def entries(self) -> Iterator[QueueEntry]:
        """All waiting contacts, in no order."""
        return (entry for entry, _ in self._entries.values())

    def get(self, contact_id: ContactId) -> QueueEntry | None:
        known = self._entries.get(contact_id)
        return None if known is None else known[0]

    def __contains__(self, contact_id: ContactId) -> bool:
        return contact_id in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def _first_of(self, profiles: int) -> AgentId:
        best: Turn | None = None
        while profiles:
            bit = profiles & -profiles
            profiles ^= bit
            turn = self._by_bit[bit].heap.first()
            if turn is not None and (best is None or turn < best):
                best = turn
        assert best is not None, "a profile without anybody free is not in the mask"
        return best[1]

    def _is_free(self, turn: Turn) -> bool:
        known = self._free.get(turn[1])
        return known is not None and known[0] == turn

    def _class(self, skills: Mapping[str, int]) -> _Class:
        key = frozenset(skills.items())
        cls = self._classes.get(key)
        if cls is None:
            cls = self._classes[key] = _Class(dict(skills), self._entries)
            self._empty += 1
            for profile in self._profiles.values():
                self._pair(profile, cls)
        return cls

    def _profile(self, skills: Mapping[str, int]) -> _Profile:
        key = frozenset(skills.items())
        profile = self._profiles.get(key)
        if profile is None:
            bit = 1 << len(self._profiles)
            profile = self._profiles[key] = self._by_bit[bit] = _Profile(bit, dict(skills), LazyHeap(self._is_free))
            for cls in self._classes.values():
                self._pair(profile, cls)
        return profile

    def _pair(self, profile: _Profile, cls: _Class) -> None:
        if not self._rules.able(cls.required, profile.skills):
            return
        profile.classes.append(cls)
        cls.able |= profile.bit
        groups = dict(cls.groups)
        fitness = self._rules.fitness(cls.required, profile.skills)
        groups[fitness] = groups.get(fitness, 0) | profile.bit
        cls.groups = sorted(groups.items(), reverse=True)

    def _drop_empty(self) -> None:
        """Forget the classes in which nobody waits: skills made from what callers enter never come again."""
        self._classes = {key: cls for key, cls in self._classes.items() if cls.waiting}
        self._empty = 0
        for profile in self._profiles.values():
            profile.classes = [cls for cls in profile.classes if cls.waiting]
