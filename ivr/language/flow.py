"""A menu file made ready to run: checked, versioned by its content, conditions compiled."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from ivr.language.expressions import Expression
from ivr.language.menus import Menus, SubFlow
from ivr.language.verb import Verb


@dataclass(frozen=True, slots=True)
class Flow:
    """What a call is pinned to from its first prompt to its end."""

    menus: Menus
    version: str
    conditions: Mapping[str, Expression]
    source: str
    """The file as it was written."""
    skills: Set[str] | None = None
    """Those that an agent of the house has; None: taken on trust."""

    @property
    def name(self) -> str:
        return self.menus.name

    @property
    def languages(self) -> tuple[str, ...]:
        return self.menus.languages

    def scope(self, name: str) -> Menus | SubFlow:
        """The nodes of a sub-flow; of the menu itself where ``name`` is empty."""
        return self.menus.flows[name] if name else self.menus

    def node(self, name: str, scope: str = "") -> Verb:
        return self.scope(scope).nodes[name]
