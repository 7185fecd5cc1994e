"""``say``: tells the caller something."""

from collections.abc import Iterator
from typing import ClassVar

from ivr.language.parts import Text
from ivr.language.verb import GoesOn
from ivr.machine.effects import Resolved
from ivr.machine.step import Step
from switchroom.runtime.yamlfile import Loc


class Say(GoesOn):
    """Tells the caller something."""

    verb: ClassVar[str] = "say"
    example: ClassVar[str] = """
hours:
  say: {zh-CN: 我们的服务时间是早九点到晚九点。, en-US: We are here from nine to nine.}
  resolves: true
  goto: bye
"""

    say: Text
    every_language: bool = False
    barge_in: bool = True
    resolves: bool = False
    """This is what the caller asked for: who hangs up after it was served by the menu."""

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        yield ("say",), self.say

    @property
    def interruptible(self) -> bool:
        return self.barge_in

    def enter(self, step: Step) -> None:
        goes_to = self.goto if self.goto is not None else step.branch(self.when or ())
        step.tell(self.say, goes_to, every_language=self.every_language)

    def heard(self, step: Step) -> None:
        if self.resolves:
            step.emit(Resolved())
