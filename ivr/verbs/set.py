"""``set``: sets variables; ``lang`` switches the language."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from ivr.language.menus import Menus
from ivr.language.parts import Filled, Name
from ivr.language.verb import GoesOn, Picture
from ivr.machine.step import Step
from switchroom.runtime.yamlfile import Loc


class Set(GoesOn):
    """Sets variables; ``lang`` switches the language."""

    verb: ClassVar[str] = "set"
    example: ClassVar[str] = """
english:
  set: {lang: en-US, topic: "english, {caller.tier}"}
  goto: agent
"""

    set: Mapping[Name, Filled] = Field(min_length=1)

    def filled(self) -> Iterator[tuple[Loc, str]]:
        for name, written in self.set.items():
            yield ("set", name), written

    def sets(self, menus: Menus) -> Iterator[tuple[str, str | None]]:
        yield from ((name, None) for name in self.set)

    def picture(self) -> Picture:
        return Picture("action", ", ".join(self.set))

    def enter(self, step: Step) -> None:
        step.assign(self.set)
        self.go_on(step)
