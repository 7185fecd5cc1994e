"""``flow``: calls a sub-flow, and goes on with what it returns."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from ivr.language.menus import Menus
from ivr.language.parts import Filled, Name
from ivr.language.verb import GoesOn, Picture
from ivr.machine.step import Step
from switchroom.runtime.yamlfile import Loc


class CallFlow(GoesOn):
    """Calls a sub-flow, and goes on when it returns. What it returns is set as variables."""

    verb: ClassVar[str] = "flow"
    example: ClassVar[str] = """
member:
  flow: ask_card                       # one of `flows`
  with: {kind: gold}                   # its variables at the start; it sees no others
  when:
    - {if: "card != ''", goto: agent}
    - {else: main}
"""

    flow: Name
    with_: Mapping[Name, Filled] = Field(alias="with", default_factory=dict)

    def calls(self) -> Iterator[tuple[Loc, str]]:
        yield ("flow",), self.flow

    def filled(self) -> Iterator[tuple[Loc, str]]:
        for name, written in self.with_.items():
            yield ("with", name), written

    def arguments(self) -> Mapping[str, str]:
        return self.with_

    def sets(self, menus: Menus) -> Iterator[tuple[str, str | None]]:
        if self.flow in menus.flows:
            for node in menus.flows[self.flow].nodes.values():
                yield from ((name, None) for name in node.returns or ())

    def picture(self) -> Picture:
        return Picture("call", self.flow)

    def enter(self, step: Step) -> None:
        step.call(self.flow, self.with_)

    def returned(self, step: Step) -> None:
        self.go_on(step)
