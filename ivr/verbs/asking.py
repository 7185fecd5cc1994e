"""What the verbs that ask have in common: a question is put, answered by keys or by voice, put again, given up."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from ivr.language.menus import Menus
from ivr.language.parts import Choice, GiveUp, Listen, Text
from ivr.language.place import listed
from ivr.language.verb import Inputs, Verb, Way, on
from ivr.machine.effects import Grammar, Taken
from ivr.machine.inputs import Digit, Heard, NotUnderstood, PromptDone, SpeechStarted, TimedOut
from ivr.machine.state import Phase
from ivr.machine.step import MAX_ASKED, Step
from switchroom.domain.events import InputKind
from switchroom.runtime.yamlfile import Loc

SPEECH_WITHIN_S = 15.0
"""From the first sound to the result, at most: an utterance is cut before, and a recogniser has a deadline."""


class Asks(Verb):
    """What nodes have in common that ask the caller; unset, the flow's defaults hold."""

    listen: Listen | None = None
    short: Text | None = Field(None, description="The question when it is put again after silence or a misfit.")
    noinput: tuple[Text, ...] | None = Field(None, description="Said on silence; the second time, the second text.")
    nomatch: tuple[Text, ...] | None = Field(None, description="Said when nothing was understood.")
    give_up: GiveUp | None = None

    @property
    def question(self) -> Text:
        raise NotImplementedError

    @property
    def in_every_language(self) -> bool:
        return False

    # What is written

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        yield (self.verb,), self.question
        if self.short is not None:
            yield ("short",), self.short
        yield from listed(("noinput",), self.noinput or ())
        yield from listed(("nomatch",), self.nomatch or ())

    def ways(self) -> Iterator[Way]:
        yield from super().ways()
        if self.give_up is not None:
            yield Way(("give_up", "goto"), self.give_up.goto, "give_up")

    def silent(self, menus: Menus) -> Iterator[str]:
        yield (self.give_up or menus.defaults.give_up).goto

    def reaches(self, menus: Menus) -> Iterator[str]:
        yield from super().reaches(menus)
        yield from (choice.goto for choice in menus.globals.values())
        yield from self.silent(menus)

    # Putting the question

    def settings(self, step: Step) -> Listen:
        return self.listen or step.flow.menus.defaults.listen

    def enter(self, step: Step) -> None:
        frame = step.state.frame
        if frame.asked[-1:] != (frame.node,):
            step.change_frame(replace(frame, asked=(*frame.asked[1 - MAX_ASKED :], frame.node)))
        self.ask(step)

    def ask(self, step: Step, *first: Text) -> None:
        """Put the question; unless it is answered by keys typed ahead. ``first`` is said where it is put again."""
        step.state.digits = ""
        step.state.pending = None
        if step.state.typed and not first:
            step.state.phase = Phase.ASKING
            step.state.turn += 1
            self.use_typed(step)
            return
        question = (self.short if first else None) or self.question
        said = tuple(prompt for text in first for prompt in step.prompts(text))
        step.say(Phase.ASKING, said + step.prompts(question, every_language=self.in_every_language))
        if self.settings(step).barge_in:
            self.hear(step)

    def wait(self, step: Step) -> None:
        settings = self.settings(step)
        step.start_timer((settings.between_digits if step.state.digits else settings.timeout).total_seconds())
        if not step.state.digits:
            self.hear(step)

    def hear(self, step: Step) -> None:
        if self.settings(step).speech:
            step.listen(self.grammar(step))

    def grammar(self, step: Step) -> Grammar:
        return Grammar(step.state.language, tuple(self.spoken_choices(step)))

    def spoken_choices(self, step: Step) -> Mapping[str, str]:
        """Phrases, to the keys that they stand for. The node's own choices go before the globals."""
        language = step.state.language
        choices = {**step.flow.menus.globals, **self.choices_by_key()}
        return {phrase: key for key, choice in choices.items() for phrase in choice.phrases.get(language, ())}

    # Taking the answer

    def use_typed(self, step: Step) -> None:
        turn = step.state.turn
        while step.state.typed and step.state.turn == turn and step.state.phase is Phase.ASKING:
            self.press(step, step.next_key())
        if step.state.turn == turn and step.state.phase is Phase.ASKING:  # not answered yet
            self.wait(step)

    def press(self, step: Step, key: str) -> None:
        """A key is pressed in answer to the question."""
        raise NotImplementedError

    def choice(self, step: Step, key: str) -> Choice | None:
        return self.choices_by_key().get(key) or step.flow.menus.globals.get(key)

    def choose(self, step: Step, key: str, taken: Taken) -> None:
        choice = self.choice(step, key)
        if choice is None:
            self.miss(step, silent=False)
            return
        self.accept(step, taken)
        step.go(choice.goto, choice.set)

    def accept(self, step: Step, taken: Taken) -> None:
        step.emit(taken)
        step.state.failures = 0
        step.state.nodes_without_input = 0
        step.state.misses = 0
        step.state.pending = None

    def miss(self, step: Step, *, silent: bool) -> None:
        """Nothing came, or nothing that can be used: say so and ask again, or give up."""
        step.stop_prompt()
        step.stop_listening()
        step.drop_typed()
        misses = step.state.misses + 1
        step.state.misses = misses
        step.state.failures += 1
        step.state.digits = ""
        defaults = step.flow.menus.defaults
        give_up = self.give_up or defaults.give_up
        if misses >= give_up.after:
            step.go(give_up.goto)
            return
        texts = (self.noinput or defaults.noinput) if silent else (self.nomatch or defaults.nomatch)
        self.ask_again(step, texts[min(misses, len(texts)) - 1])

    def ask_again(self, step: Step, first: Text) -> None:
        self.ask(step, first)

    # What inputs mean

    def digit(self, step: Step, received: Digit) -> None:
        before = step.state.typed
        step.keep(received)
        if step.state.typed != before and (not step.state.speaking or self.settings(step).barge_in):
            step.stop_prompt()
            self.use_typed(step)

    def asked_to_the_end(self, step: Step, _: PromptDone) -> None:
        step.state.speaking = False
        if step.state.typed:
            self.use_typed(step)  # typed during a prompt that could not be interrupted
        else:
            self.wait(step)

    def timed_out(self, step: Step, _: TimedOut) -> None:
        self.miss(step, silent=True)

    def speech_started(self, step: Step, _: SpeechStarted) -> None:
        step.stop_prompt()
        step.start_timer(SPEECH_WITHIN_S)

    def heard_phrase(self, step: Step, received: Heard) -> None:
        step.stop_prompt()
        key = self.spoken_choices(step).get(received.text)
        if received.confidence < self.settings(step).min_confidence:
            self.miss(step, silent=False)
        elif key is not None:
            self.choose(step, key, Taken(step.state.place, InputKind.SPEECH, received.text, received.confidence))
        else:
            self.other_words(step, received)

    def other_words(self, step: Step, received: Heard) -> None:
        """What was said is no phrase of a choice."""
        self.miss(step, silent=False)

    def not_understood(self, step: Step, _: NotUnderstood) -> None:
        self.miss(step, silent=False)

    inputs: ClassVar[Inputs] = dict(
        (
            on(Phase.ASKING, Digit, digit),
            on(Phase.ASKING, PromptDone, asked_to_the_end),
            on(Phase.ASKING, TimedOut, timed_out),
            on(Phase.ASKING, SpeechStarted, speech_started),
            on(Phase.ASKING, Heard, heard_phrase),
            on(Phase.ASKING, NotUnderstood, not_understood),
        )
    )
