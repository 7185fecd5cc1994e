"""``hangup``: says good-bye and ends the call."""

from collections.abc import Iterator
from typing import ClassVar

from ivr.language.parts import Text
from ivr.language.verb import Inputs, Picture, Verb, on
from ivr.machine.effects import Finish, Resolved
from ivr.machine.inputs import PromptDone
from ivr.machine.state import Phase
from ivr.machine.step import Step
from switchroom.runtime.yamlfile import Loc


class Hangup(Verb):
    """Says good-bye and ends the call."""

    verb: ClassVar[str] = "hangup"
    example: ClassVar[str] = """
closed:
  hangup: {zh-CN: 现在是休息时间，再见。, en-US: We are closed now. Goodbye.}
"""

    hangup: Text
    resolves: bool = False
    """This is what the caller asked for. Without it, and without a `say` that resolves before, the call was in vain."""

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        yield ("hangup",), self.hangup

    def picture(self) -> Picture:
        return Picture("end", super().picture().label)

    def enter(self, step: Step) -> None:
        step.say(Phase.LEAVING, step.prompts(self.hangup))

    def said(self, step: Step, _: PromptDone) -> None:
        step.state.speaking = False
        if self.resolves:
            step.emit(Resolved())
        step.end(Finish())

    inputs: ClassVar[Inputs] = dict((on(Phase.LEAVING, PromptDone, said),))
