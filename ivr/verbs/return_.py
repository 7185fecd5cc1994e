"""``return``: ends a sub-flow."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from ivr.language.parts import Filled, Name
from ivr.language.place import Place
from ivr.language.verb import Picture, Verb
from ivr.machine.step import Step
from switchroom.runtime.yamlfile import Finding, Loc


class Return(Verb):
    """Ends a sub-flow; what is written here becomes variables of the flow that called it."""

    verb: ClassVar[str] = "return"
    example: ClassVar[str] = """
flows:
  ask_card:
    start: ask
    nodes:
      ask: {collect: {zh-CN: "请输入{kind}卡号。", en-US: "Your {kind} card number."}, into: number, goto: done}
      done: {return: {card: "{number}"}}
"""

    return_: Mapping[Name, Filled] = Field(alias="return")

    @property
    def returns(self) -> Mapping[str, str]:
        return self.return_

    def filled(self) -> Iterator[tuple[Loc, str]]:
        for name, written in self.return_.items():
            yield ("return", name), written

    def lint(self, place: Place) -> Iterator[Finding]:
        if not place.scope.name:
            yield place.finding(("return",), "IVR124", "only a node of a sub-flow can return; write it in `flows`")

    def picture(self) -> Picture:
        return Picture("end", "return")

    def enter(self, step: Step) -> None:
        step.give_back(self.return_)
