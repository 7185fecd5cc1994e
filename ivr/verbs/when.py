"""``when``: decides by what is known."""

from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import model_validator

from ivr.language.parts import Branch, end_with_else
from ivr.language.verb import Picture, Verb, Way, branch_conditions, branch_ways
from ivr.machine.step import Step
from switchroom.runtime.yamlfile import Loc


class When(Verb):
    """Decides by what is known."""

    verb: ClassVar[str] = "when"
    example: ClassVar[str] = """
decide:
  when:
    - {if: "caller.known && caller.tier in ['gold', 'platinum']", goto: agent}
    - {else: main}                     # the last, always
"""

    when: tuple[Branch, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        end_with_else(self.when)
        return self

    def ways(self) -> Iterator[Way]:
        yield from branch_ways(self.when)

    def conditions(self) -> Iterator[tuple[Loc, str]]:
        yield from branch_conditions(self.when)

    def picture(self) -> Picture:
        return Picture("decision", self.when[0].if_ or "else")

    def enter(self, step: Step) -> None:
        step.go(step.branch(self.when))
