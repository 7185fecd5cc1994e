"""``collect``: asks the caller for digits, and keeps them in a variable."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.language import spoken
from ivr.language.keys import DIGITS
from ivr.language.menus import Menus
from ivr.language.parts import Name, Part, Text
from ivr.language.place import Place
from ivr.language.verb import GoesOn, Inputs, Picture, on
from ivr.machine.effects import Grammar, Taken
from ivr.machine.inputs import MASKED, Digit, Heard, NotUnderstood, PromptDone, SpeechStarted, TimedOut
from ivr.machine.state import Phase
from ivr.machine.step import Step
from ivr.verbs.asking import Asks
from switchroom.domain.events import InputKind
from switchroom.runtime.yamlfile import Finding, Loc

CONFIRM_KEYS = {"1": True, "2": False, "*": False}
"""What answers the question whether it was understood right."""


class Digits(Part):
    """How many digits are expected, and the key that ends them."""

    min: int = Field(1, ge=1, le=32)
    max: int = Field(32, ge=1, le=32)
    exactly: int | None = Field(None, ge=1, le=32)
    finish: Literal["#", "*"] | None = "#"
    speech: bool = False

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min > self.max:
            raise ValueError("`min` is above `max`")
        return self

    @property
    def least(self) -> int:
        return self.exactly or self.min

    @property
    def most(self) -> int:
        return self.exactly or self.max


class Collect(Asks, GoesOn):
    """Asks the caller for digits, and keeps them in a variable."""

    verb: ClassVar[str] = "collect"
    example: ClassVar[str] = """
ask_order:
  collect: {zh-CN: 请输入八位订单号，按井号键结束。, en-US: "Enter your 8 digit order number, then pound."}
  into: order_number
  digits: {exactly: 8, finish: "#"}      # or {min: 4, max: 12}; finish: null for none; speech: true for spoken digits
  confirm: {zh-CN: "{order_number|digits}，正确请按1，重输请按2。", en-US: "{order_number|digits}. Right? 1. Again? 2."}
  goto: agent
"""

    collect: Text
    into: Name
    digits: Digits = Field(default_factory=lambda: Digits.model_validate({}))
    confirm: Text | None = Field(None, description="Asked back; 1 means right, 2 means once more.")
    secret: bool = Field(False, description="Never shown, logged or given to anyone but `lookup`.")

    @property
    def question(self) -> Text:
        return self.collect

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        yield from super().texts()
        if self.confirm is not None:
            yield ("confirm",), self.confirm

    def sets(self, menus: Menus) -> Iterator[tuple[str, str | None]]:
        yield self.into, None

    def keys(self, menus: Menus) -> frozenset[str]:
        """A digit is a digit here, so of the globals only the others work."""
        return (frozenset(menus.globals) - DIGITS) | frozenset(self.digits.finish or "")

    def keys_during(self, text: Loc, menus: Menus) -> frozenset[str]:
        return frozenset(CONFIRM_KEYS) if text == ("confirm",) else self.keys(menus)

    def lint(self, place: Place) -> Iterator[Finding]:
        if self.digits.speech and self.confirm is None:
            message = "spoken digits are often misheard: ask back with `confirm`"
            yield place.finding(("digits",), "IVR115", message, "warning")

    def picture(self) -> Picture:
        return Picture("question", super().picture().label)

    # Asking

    def grammar(self, step: Step) -> Grammar:
        return replace(super().grammar(step), digits=self.digits.speech)

    def press(self, step: Step, key: str) -> None:
        if key == self.digits.finish:
            self.complete(step, step.state.digits, InputKind.DTMF)
        elif key.isdigit() or key == MASKED:
            step.stop_listening()  # who types does not speak: a noise must not wipe what was typed
            digits = step.state.digits + key
            step.state.digits = digits
            if len(digits) == self.digits.most:
                step.state.ignored_finish_key = self.digits.finish or ""
                self.complete(step, digits, InputKind.DTMF)
        elif self.choice(step, key) is not None:
            self.choose(step, key, Taken(step.state.place, InputKind.DTMF, key))

    def other_words(self, step: Step, received: Heard) -> None:
        if self.digits.speech:
            digits = self._spoken_digits(step, received.text)
            self.complete(step, digits, InputKind.SPEECH, received.confidence)
        else:
            self.miss(step, silent=False)

    def timed_out_while_asking(self, step: Step, _: TimedOut) -> None:
        if step.state.digits:
            self.complete(step, step.state.digits, InputKind.DTMF)
        else:
            self.miss(step, silent=True)

    def complete(self, step: Step, digits: str, kind: InputKind, confidence: float | None = None) -> None:
        if not self.digits.least <= len(digits) <= self.digits.most:
            self.miss(step, silent=False)
            return
        step.remember(self.into, digits, secret=self.secret)
        shown = "*" * len(digits) if self.secret else digits
        taken = Taken(step.state.place, kind, shown, confidence)
        if self.confirm is None:
            self.accept(step, taken)
            self.go_on(step)
        else:
            step.state.pending = taken
            self.ask_back(step, self.confirm)

    def _spoken_digits(self, step: Step, text: str) -> str:
        if text and not text.strip(MASKED):
            return text
        return spoken.heard_digits(text, step.state.language) or ""

    # Confirming

    def ask_back(self, step: Step, confirm: Text, *first: Text) -> None:
        step.stop_listening()
        step.say(Phase.CONFIRMING, tuple(prompt for text in (*first, confirm) for prompt in step.prompts(text)))
        if self.settings(step).speech:
            base = spoken.base(step.state.language)
            step.listen(Grammar(step.state.language, (*spoken.YES.get(base, ()), *spoken.NO.get(base, ()))))

    def ask_again(self, step: Step, first: Text) -> None:
        if step.state.phase is Phase.CONFIRMING and self.confirm is not None:
            self.ask_back(step, self.confirm, first)
        else:
            super().ask_again(step, first)

    def digit_while_confirming(self, step: Step, received: Digit) -> None:
        ignored = received.digit == step.state.ignored_finish_key
        step.state.ignored_finish_key = ""
        if not ignored:
            step.stop_prompt()
            self.confirmed(step, CONFIRM_KEYS.get(received.digit))

    def heard_while_confirming(self, step: Step, received: Heard) -> None:
        step.stop_prompt()
        sure = received.confidence >= self.settings(step).min_confidence
        self.confirmed(step, spoken.yes_or_no(received.text, step.state.language) if sure else None)

    def confirmed(self, step: Step, right: bool | None) -> None:
        """The answer to the confirming question; None where it was neither yes nor no."""
        pending = step.state.pending
        if right is None or pending is None:
            self.miss(step, silent=False)
            return
        step.stop_listening()
        if right:
            self.accept(step, pending)
            self.go_on(step)
        else:
            step.state.phase = Phase.ASKING
            self.miss(step, silent=False)

    def confirm_asked_to_the_end(self, step: Step, _: PromptDone) -> None:
        step.state.speaking = False
        step.start_timer(self.settings(step).timeout.total_seconds())

    # Secrets

    def recordable(self, step: Step, received: Digit | Heard) -> Digit | Heard:
        if not self.secret or step.state.phase not in (Phase.ASKING, Phase.CONFIRMING):
            return received
        asking = step.state.phase is Phase.ASKING
        if isinstance(received, Digit):
            plain = not received.digit.isdigit() or (not asking and received.digit in CONFIRM_KEYS)
            return received if plain else Digit(MASKED)
        if asking:
            plain = received.text in self.spoken_choices(step)
        else:
            plain = spoken.yes_or_no(received.text, step.state.language) is not None
        return received if plain else replace(received, text=MASKED * len(self._spoken_digits(step, received.text)))

    inputs: ClassVar[Inputs] = {
        **Asks.inputs,
        **dict(
            (
                on(Phase.ASKING, TimedOut, timed_out_while_asking),
                on(Phase.CONFIRMING, Digit, digit_while_confirming),
                on(Phase.CONFIRMING, PromptDone, confirm_asked_to_the_end),
                on(Phase.CONFIRMING, TimedOut, Asks.timed_out),
                on(Phase.CONFIRMING, SpeechStarted, Asks.speech_started),
                on(Phase.CONFIRMING, Heard, heard_while_confirming),
                on(Phase.CONFIRMING, NotUnderstood, Asks.not_understood),
            )
        ),
    }
