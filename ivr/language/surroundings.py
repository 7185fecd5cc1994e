"""What a menu relies on and does not hold itself: queues, agents' skills, sources of data. The server says it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

Skills = Mapping[str, int]
"""Levels from 1 to 10."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source that `lookup` asks: the arguments that it needs, and the fields of its records."""

    arguments: Set[str]
    fields: Set[str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``queues`` with the skills that they require of every agent, and the skills of each of the ``agents``."""

    queues: Mapping[str, Skills]
    agents: Sequence[Skills]
    sources: Mapping[str, Source]
    brand_arguments: Set[str] = frozenset()
    """What every brand tells menus, besides its name and title."""
