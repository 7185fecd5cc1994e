"""What every verb is: one kind of node, in one file of `ivr.verbs`.

A verb says what may be written (its pydantic fields), what the checks and the loader need to know of that, what it
does when a caller reaches it, and what each input means to it in each phase. Nothing else knows any verb by name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import model_validator

from ivr.language.parts import Branch, Choice, Part, Target, Text, end_with_else
from switchroom.runtime.yamlfile import Finding, Loc

if TYPE_CHECKING:
    from ivr.language.menus import Menus
    from ivr.language.place import Place
    from ivr.machine.inputs import Digit, Heard, Input
    from ivr.machine.state import Phase
    from ivr.machine.step import Step

V = TypeVar("V", bound="Verb")
I = TypeVar("I", bound="Input")  # noqa: E741

Key = tuple["Phase", type[Any]]
Handler = Callable[[Any, "Step", Any], None]
Inputs = Mapping[Key, Handler]
"""What a kind of input means in a phase. One that is not in the table is ignored."""


def on(phase: "Phase", kind: type[I], does: Callable[[V, "Step", I], None]) -> tuple[Key, Handler]:
    """A row of a verb's table: the method is checked against the kind of input."""
    return (phase, kind), does


@dataclass(frozen=True, slots=True)
class Way:
    """A way out of a node: where it is written in the node, where it leads, and what it is called in a picture."""

    at: Loc
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """How a node is drawn: ``kind`` picks the shape, ``label`` is written in it."""

    kind: str
    label: str


class Verb(Part):
    """A node. The methods that a verb does not need it leaves as they are."""

    verb: ClassVar[str]
    """The key by which a node has this verb."""
    example: ClassVar[str]
    """Nodes as docs/ivr.md shows them, the first one of this verb; a test runs them."""
    inputs: ClassVar[Inputs] = {}
    strands: ClassVar[frozenset[str]] = frozenset()
    """The codes of its errors that are not of the menu itself, but of what it relies on."""

    # What is written

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        """What callers hear of it."""
        yield from ()

    def ways(self) -> Iterator[Way]:
        """Every way out that is written in it; none where the flow ends."""
        yield from ()

    def conditions(self) -> Iterator[tuple[Loc, str]]:
        yield from ()

    def filled(self) -> Iterator[tuple[Loc, str]]:
        """What may have holes, besides `texts` and `choices_by_key`."""
        yield from ()

    def choices_by_key(self) -> Mapping[str, Choice]:
        """What a caller may choose here; the globals are not meant."""
        return {}

    def sets(self, menus: "Menus") -> Iterator[tuple[str, str | None]]:
        """The variables that it sets, each with the source of its record; None where it holds a text."""
        yield from ()

    def calls(self) -> Iterator[tuple[Loc, str]]:
        """The sub-flows that it calls."""
        yield from ()

    def arguments(self) -> Mapping[str, str]:
        """The variables that such a sub-flow has at its start."""
        return {}

    @property
    def returns(self) -> Mapping[str, str] | None:
        """What it gives back to the flow that called this one; None for all verbs that do not return."""
        return None

    # What a caller may do

    def silent(self, menus: "Menus") -> Iterator[str]:
        """Where a caller may come to who does nothing."""
        yield from (way.target for way in self.ways())

    def reaches(self, menus: "Menus") -> Iterator[str]:
        """Where a caller may come to."""
        yield from (way.target for way in self.ways())

    def keys(self, menus: "Menus") -> frozenset[str] | None:
        """The keys that it takes; None where it asks nothing."""
        return None

    def keys_during(self, text: Loc, menus: "Menus") -> frozenset[str] | None:
        """The keys that it takes while a text of it is heard; None: those of the questions that come next."""
        return self.keys(menus)

    def after(self, text: Loc) -> Iterator[str]:
        """Where a text of it leads."""
        yield from (way.target for way in self.ways())

    # How it is checked and drawn

    def lint(self, place: "Place") -> Iterator[Finding]:
        """Rules of this verb alone; rules of all nodes are in `ivr.language.lint`."""
        yield from ()

    def picture(self) -> Picture:
        return Picture(self.verb, next((shown for _, text in self.texts() for shown in text.texts.values()), self.verb))

    # What it does

    def enter(self, step: "Step") -> None:
        """A caller has reached it."""
        raise NotImplementedError

    @property
    def interruptible(self) -> bool:
        """A key ends what is said here."""
        return True

    def heard(self, step: "Step") -> None:
        """The caller has heard its prompt, or enough of it to press a key."""

    def returned(self, step: "Step") -> None:
        """The sub-flow that it called has returned."""

    def recordable(self, step: "Step", received: "Digit | Heard") -> "Digit | Heard":
        """The input as it may be written down: masked where it is secret."""
        return received


class GoesOn(Verb):
    """A verb with a way on: ``goto``, or ``when`` with branches."""

    goto: Target | None = None
    when: tuple[Branch, ...] | None = None

    @model_validator(mode="after")
    def _one_way_on(self) -> Self:
        if (self.goto is None) == (self.when is None):
            raise ValueError("write where it goes on: `goto`, or `when` with branches")
        if self.when is not None:
            end_with_else(self.when)
        return self

    def ways(self) -> Iterator[Way]:
        yield from super().ways()
        if self.goto is not None:
            yield Way(("goto",), self.goto)
        yield from branch_ways(self.when or ())

    def conditions(self) -> Iterator[tuple[Loc, str]]:
        yield from branch_conditions(self.when or ())

    def go_on(self, step: "Step") -> None:
        step.go(self.goto if self.goto is not None else step.branch(self.when or ()))


def branch_ways(branches: tuple[Branch, ...]) -> Iterator[Way]:
    """The ways of ``when``."""
    for index, branch in enumerate(branches):
        yield Way(("when", index, "goto" if branch.goto else "else"), branch.target, branch.if_ or "else")


def branch_conditions(branches: tuple[Branch, ...]) -> Iterator[tuple[Loc, str]]:
    """The conditions of ``when``."""
    for index, branch in enumerate(branches):
        if branch.if_ is not None:
            yield ("when", index, "if"), branch.if_
