"""What decides, one rule a file: whose turn it is, who may serve, and who serves best.

The index asks nothing but these four, so order and eligibility stand nowhere else. The first and the last may not
change while a contact waits or an agent is free. A rule that changes a contact's requirements in the course of time
says when, and the core gives the contact another place then, with the same ``enqueued_at``:
`acd.core.rules.nobody_on_duty` is one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from acd.core.rules.head_start import HeadStart
from acd.core.rules.longest_idle import longest_idle
from acd.core.rules.skill_levels import fitness, meets
from switchroom.domain.contact import CustomerTier

Skills = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rules:
    place: Callable[[float, CustomerTier], float]
    """A contact's place by ``enqueued_at`` and tier, in seconds: the smallest is served first."""
    able: Callable[[Skills, Skills], bool] = meets
    """Whether an agent with the second skills may serve what requires the first."""
    fitness: Callable[[Skills, Skills], float] = fitness
    """How well such an agent serves it: the greatest is chosen."""
    turn: Callable[[float], float] = longest_idle
    """Among agents of the same fitness, by the time since which each is free: the smallest is chosen."""


def standard(head_start: Mapping[CustomerTier, float]) -> Rules:
    """The rules of the house, with each tier's head-start in seconds."""
    return Rules(HeadStart(head_start))
