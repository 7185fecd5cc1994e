"""Who may do what: roles, the rights that each has, and how far each sees. Pure.

A right says what a person may do at all; the sight says of whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from switchroom.domain.ids import AgentId, TeamName


class Role(StrEnum):
    """What a person is here."""

    AGENT = "agent"
    LEADER = "leader"
    """Leads a team: sees it, and acts for it."""
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    """Writes drafts of menus and tests them; customers are none of their business."""
    AUDITOR = "auditor"
    """Reads everything, changes nothing."""
    ADMIN = "admin"


class Right(StrEnum):
    """What a route needs."""

    BE_KNOWN = "be_known"
    """To be logged in."""
    READ = "read"
    """Contacts, agents, queues, tickets, customers, recordings."""
    ACT = "act"
    """Change states, act on calls, work on tickets."""
    READ_NUMBERS = "read_numbers"
    """Customers' numbers in full; others see them masked."""
    READ_FLOWS = "read_flows"
    READ_METRICS = "read_metrics"
    ERASE = "erase"
    """Erase a person."""
    HOLD = "hold"
    """Place and release legal holds."""
    READ_REPORTS = "read_reports"
    """Figures of the whole house, day by day."""


class Sight(StrEnum):
    """Of whom a role sees what it may see."""

    NOBODY = "nobody"
    OWN = "own"
    TEAM = "team"
    ALL = "all"


_R = Right

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.AGENT: frozenset({_R.BE_KNOWN, _R.READ, _R.ACT}),
    Role.LEADER: frozenset({_R.BE_KNOWN, _R.READ, _R.ACT}),
    Role.SUPERVISOR: frozenset(
        {_R.BE_KNOWN, _R.READ, _R.ACT, _R.READ_NUMBERS, _R.READ_FLOWS, _R.READ_METRICS, _R.READ_REPORTS},
    ),
    Role.EDITOR: frozenset({_R.BE_KNOWN, _R.READ_FLOWS}),
    Role.AUDITOR: frozenset(
        {_R.BE_KNOWN, _R.READ, _R.READ_NUMBERS, _R.READ_FLOWS, _R.READ_METRICS, _R.READ_REPORTS},
    ),
    Role.ADMIN: frozenset(Right),
}

SIGHT: Mapping[Role, Sight] = {
    Role.AGENT: Sight.OWN,
    Role.LEADER: Sight.TEAM,
    Role.SUPERVISOR: Sight.ALL,
    Role.EDITOR: Sight.NOBODY,
    Role.AUDITOR: Sight.ALL,
    Role.ADMIN: Sight.ALL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may log in, or (with ``login`` as ``token:label``) a program. ``team`` is the one that they lead."""

    login: str
    role: Role
    agent_id: AgentId | None = None
    team: TeamName | None = None

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]

    @property
    def sees_all(self) -> bool:
        return SIGHT[self.role] is Sight.ALL
