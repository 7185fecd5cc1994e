"""``lookup``: asks a source of data (a data dip)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from ivr.language.hints import close_to, quoted
from ivr.language.menus import Menus
from ivr.language.parts import Exit, Filled, Name, Text
from ivr.language.place import Place
from ivr.language.verb import Inputs, Picture, Verb, Way, on
from ivr.machine.inputs import Found, NotFound, Unavailable
from ivr.machine.state import Phase
from ivr.machine.step import Step
from switchroom.runtime.durations import Duration
from switchroom.runtime.yamlfile import Finding, Loc


class Lookup(Verb):
    """Asks a source of data (a data dip)."""

    verb: ClassVar[str] = "lookup"
    example: ClassVar[str] = """
find_order:
  lookup: orders                       # the source's name
  with: {number: "{caller.phone}"}
  into: order
  timeout: 2s                          # for each try
  retries: 1
  ok: {say: {zh-CN: "您的订单{order.status_zh}。", en-US: "Your order is {order.status}."}, goto: bye}
  not_found: {say: {zh-CN: 没有找到。, en-US: Not found.}, goto: main}
  error: agent                         # too slow, refused, nonsense: always have a way out
"""

    strands: ClassVar[frozenset[str]] = frozenset({"IVR118"})

    lookup: Name
    with_: Mapping[Name, Filled] = Field(alias="with", default_factory=dict)
    into: Name
    timeout: Duration = timedelta(seconds=2)
    retries: int = Field(0, ge=0, le=3)
    ok: Exit
    not_found: Exit
    error: Exit = Field(description="Too slow, refused, or nonsense.")

    def exits(self) -> Mapping[str, Exit]:
        return {"ok": self.ok, "not_found": self.not_found, "error": self.error}

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        for name, way in self.exits().items():
            if way.say is not None:
                yield (name, "say"), way.say

    def ways(self) -> Iterator[Way]:
        for name, way in self.exits().items():
            yield Way((name, "goto"), way.goto, name)

    def after(self, text: Loc) -> Iterator[str]:
        yield self.exits()[str(text[0])].goto

    def filled(self) -> Iterator[tuple[Loc, str]]:
        for name, written in self.with_.items():
            yield ("with", name), written

    def sets(self, menus: Menus) -> Iterator[tuple[str, str | None]]:
        yield self.into, self.lookup

    def lint(self, place: Place) -> Iterator[Finding]:
        """The source is there, and gets the arguments that it needs (IVR118)."""
        if place.surroundings is None:
            return
        sources = place.surroundings.sources
        source = sources.get(self.lookup)
        if source is None:
            hint = close_to(self.lookup, sources) or f"; there are {quoted(sources)}"
            yield place.finding(("lookup",), "IVR118", f"there is no source `{self.lookup}`{hint}")
            return
        for name in self.with_:
            if name not in source.arguments:
                hint = close_to(name, source.arguments) or f"; it takes {quoted(source.arguments)}"
                yield place.finding(("with", name), "IVR118", f"`{self.lookup}` takes no `{name}`{hint}")
        for name in sorted(source.arguments - self.with_.keys()):
            message = f"`{self.lookup}` needs `{name}`; write it in `with`"
            yield place.finding(("lookup",), "IVR118", message)

    def picture(self) -> Picture:
        return Picture("data", self.lookup)

    def enter(self, step: Step) -> None:
        step.look_up(self.lookup, self.with_, self.timeout.total_seconds(), self.retries)

    def found(self, step: Step, received: Found) -> None:
        step.remember(self.into, dict(received.record), secret=False)
        step.exit(self.ok)

    def was_not_found(self, step: Step, _: NotFound) -> None:
        step.exit(self.not_found)

    def unavailable(self, step: Step, _: Unavailable) -> None:
        step.exit(self.error)

    inputs: ClassVar[Inputs] = dict(
        (
            on(Phase.WAITING, Found, found),
            on(Phase.WAITING, NotFound, was_not_found),
            on(Phase.WAITING, Unavailable, unavailable),
        )
    )
