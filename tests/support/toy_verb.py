"""A verb that the product does not have, to show that a verb is one file: it waits for a key, any key."""

from collections.abc import Iterator
from typing import ClassVar

from ivr.language.menus import Menus
from ivr.language.parts import Text
from ivr.language.place import Place
from ivr.language.verb import GoesOn, Inputs, Picture, on
from ivr.machine.inputs import Digit, PromptDone, TimedOut
from ivr.machine.state import Phase
from ivr.machine.step import Step
from switchroom.runtime.yamlfile import Finding, Loc


class AnyKey(GoesOn):
    """Waits until the caller presses a key, for three seconds at most."""

    verb: ClassVar[str] = "any_key"
    example: ClassVar[str] = """
ready:
  any_key: {zh-CN: 准备好了请按任意键。, en-US: Press any key when you are ready.}
  into: key
  goto: bye
"""

    any_key: Text
    into: str

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        yield ("any_key",), self.any_key

    def sets(self, menus: Menus) -> Iterator[tuple[str, str | None]]:
        yield self.into, None

    def keys(self, menus: Menus) -> frozenset[str]:
        return frozenset("0123456789*#")

    def lint(self, place: Place) -> Iterator[Finding]:
        if self.into == "caller":
            yield place.finding(("into",), "TOY001", "`caller` is taken")

    def picture(self) -> Picture:
        return Picture("question", "any key")

    def enter(self, step: Step) -> None:
        step.say(Phase.ASKING, step.prompts(self.any_key))

    def pressed(self, step: Step, received: Digit) -> None:
        step.stop_prompt()
        step.remember(self.into, received.digit, secret=False)
        self.go_on(step)

    def asked(self, step: Step, _: PromptDone) -> None:
        step.state.speaking = False
        step.start_timer(3.0)

    def timed_out(self, step: Step, _: TimedOut) -> None:
        self.go_on(step)

    inputs: ClassVar[Inputs] = dict(
        (
            on(Phase.ASKING, Digit, pressed),
            on(Phase.ASKING, PromptDone, asked),
            on(Phase.ASKING, TimedOut, timed_out),
        )
    )
