"""A caller in a flow, for tests: does things, and sees what the machine made of them."""

from typing import TypeVar

from ivr.language.flow import Flow
from ivr.machine import Phase, start, step
from ivr.machine.effects import Effect, Recorded, Say, Visited
from ivr.machine.inputs import Digit, Found, Heard, Input, PromptDone, SpeechStarted, TimedOut, Unavailable
from switchroom.domain.caller import Caller
from switchroom.domain.ids import ContactId

STRANGER = Caller(contact_id=ContactId("c1"), number="95588", phone="13800138000")

E = TypeVar("E")


class Walker:
    """``last`` are the effects of the last input, without those that only record it."""

    def __init__(self, flow: Flow, caller: Caller = STRANGER) -> None:
        self.flow = flow
        self.state, self.last = start(flow, caller)
        self.effects: list[Effect] = list(self.last)

    def feed(self, received: Input) -> "Walker":
        self.state, effects = step(self.flow, self.state, received)
        self.last = tuple(effect for effect in effects if not isinstance(effect, Recorded))
        self.effects += effects
        return self

    def press(self, keys: str) -> "Walker":
        for key in keys:
            self.feed(Digit(key))
        return self

    def hear_out(self) -> "Walker":
        return self.feed(PromptDone(self.state.turn))

    def time_out(self) -> "Walker":
        return self.feed(TimedOut(self.state.timer))

    def speak(self, text: str, confidence: float = 0.9) -> "Walker":
        return self.feed(SpeechStarted(self.state.turn)).feed(Heard(self.state.turn, text, confidence))

    def find(self, **record: object) -> "Walker":
        return self.feed(Found(self.state.turn, record))

    def fall_silent(self, most: int = 60) -> "Walker":
        """Do nothing until the flow ends. Raises `AssertionError` when it does not."""
        for _ in range(most):
            if self.state.phase is Phase.ENDED:
                return self
            if self.state.phase is Phase.WAITING:
                self.feed(Unavailable(self.state.turn))
            elif self.state.speaking:
                self.hear_out()
            else:
                self.time_out()
        raise AssertionError(f"still in {self.state.place}, {self.state.phase}")

    def all(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def one(self, kind: type[E]) -> E:
        """The only such effect of the last input."""
        (effect,) = [effect for effect in self.last if isinstance(effect, kind)]
        return effect

    @property
    def path(self) -> list[str]:
        return [visited.node for visited in self.all(Visited)]

    @property
    def said(self) -> list[str]:
        """What the last input made the machine say."""
        return [prompt.text for say in self.last if isinstance(say, Say) for prompt in say.prompts]
