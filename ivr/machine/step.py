"""What a verb can do in one step of the machine: go on, speak, listen, remember, call a sub-flow, leave."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ivr.language import templates
from ivr.language.expressions import WrongType
from ivr.language.flow import Flow
from ivr.language.parts import AGAIN, BACK, Branch, Exit, Text
from ivr.language.verb import Verb
from ivr.machine import known
from ivr.machine.effects import (
    Effect,
    Enqueue,
    Finish,
    Grammar,
    HandBack,
    Listen,
    LookUp,
    Prompt,
    Recorded,
    Say,
    StartTimer,
    StopListening,
    StopPrompt,
    Undecided,
    Visited,
)
from ivr.machine.inputs import MASKED, Digit, Heard, Input
from ivr.machine.state import Frame, Phase, State

MAX_NODES_WITHOUT_INPUT = 100
"""Nodes passed without asking anything of the caller, in all frames together."""
MAX_FAILURES = 20
"""Failed inputs in a row, over all questions."""
MAX_FRAMES = 8
"""The menu, and sub-flows that call one another."""
MAX_ASKED = 20
"""Questions that ``back`` remembers."""
MAX_TYPED = 64
"""Keys kept ahead; more is a fax machine or a child."""


class Step:
    """One step in the making: the state as it becomes, its own copy, which verbs change; and the effects so far."""

    def __init__(self, flow: Flow, state: State, received: Input | None = None) -> None:
        self.flow = flow
        self.state = state.copy()
        self.effects: list[Effect] = []
        self._unrecorded = self.node.recordable(self, received) if isinstance(received, Digit | Heard) else received

    @property
    def node(self) -> Verb:
        frame = self.state.frame
        return self.flow.node(frame.node, frame.scope)

    def emit(self, effect: Effect) -> None:
        self.effects.append(effect)

    # From node to node

    def go(self, target: str, sets: Mapping[str, str] | None = None) -> None:
        """Go on to a node, and through all that need not wait. ``sets`` are variables of the flow that it is in."""
        self.stop_listening()
        seen, secrets = self.values() if sets else {}, self.state.secrets
        name = self._resolve(target)
        if name not in self.flow.scope(self.state.frame.scope).nodes:
            self.state.frames = self.state.frames[:1]  # a node of the menu: sub-flows are left
        if sets:
            self._assign(sets, seen, secrets)
        if self.state.nodes_without_input >= MAX_NODES_WITHOUT_INPUT or self.state.failures >= MAX_FAILURES:
            self.end(self.hand_back("endless"))
            return
        self.state.frames = (*self.state.frames[:-1], replace(self.state.frame, node=name))
        self.state.nodes_without_input += 1
        self.state.misses = 0
        self.emit(Visited(self.state.place))
        self.node.enter(self)

    def _resolve(self, target: str) -> str:
        if target == AGAIN:
            return self.state.node
        if target != BACK:
            return target
        frames = self.state.frames
        before = tuple(name for name in frames[-1].asked if name != frames[-1].node)
        while not before and len(frames) > 1:
            frames = frames[:-1]  # the question before is one of the flow that called
            before = frames[-1].asked
        if not before:
            return self.state.node
        self.state.frames = (*frames[:-1], replace(frames[-1], asked=before))
        return before[-1]

    def branch(self, branches: tuple[Branch, ...]) -> str:
        """Where the first condition leads that holds."""
        values = self.values()
        taken = (branch for branch in branches if branch.if_ is None or self.holds(branch.if_, values))
        return next(taken).target  # the last is an else

    def holds(self, condition: str, values: Mapping[str, Any]) -> bool:
        try:
            return self.flow.conditions[condition].holds(values)
        except WrongType:
            self.emit(Undecided(self.state.place, condition))
            return False

    def exit(self, way: Exit) -> None:
        if way.say is not None:
            self.tell(way.say, way.goto)
        else:
            self.go(way.goto)

    def end(self, effect: Enqueue | Finish | HandBack) -> None:
        """The flow is over."""
        self.stop_prompt()
        self.drop_typed()
        self.state.phase = Phase.ENDED
        self.emit(effect)

    def change_frame(self, frame: Frame) -> None:
        self.state.frames = (*self.state.frames[:-1], frame)

    # Sub-flows

    def call(self, scope: str, arguments: Mapping[str, str]) -> None:
        """Enter a sub-flow. When it returns, `Verb.returned` of this node follows."""
        if len(self.state.frames) >= MAX_FRAMES:
            self.end(self.hand_back("endless"))
            return
        values, secrets = self._rendered(arguments)
        start = self.flow.scope(scope).start
        self.state.frames = (*self.state.frames, Frame(start, scope, values, secrets))
        self.go(start)

    def give_back(self, results: Mapping[str, str]) -> None:
        """Return from a sub-flow; the results become variables of the flow that called it."""
        values, secrets = self._rendered(results)
        self.state.frames = self.state.frames[:-1]
        for name, value in values.items():
            self.remember(name, value, secret=name in secrets)
        self.node.returned(self)

    def _rendered(self, written: Mapping[str, str]) -> tuple[dict[str, Any], frozenset[str]]:
        seen, language, secrets = self.values(), self.state.language, self.state.secrets
        read = {name: templates.parse(text) for name, text in written.items()}
        values = {name: template.render(seen, language) for name, template in read.items()}
        return values, frozenset(name for name, template in read.items() if template.names & secrets)

    # Speaking

    def say(self, phase: Phase, prompts: tuple[Prompt, ...]) -> None:
        # No timer runs while a prompt is heard: the number of an old one goes out of date.
        turn = self.state.turn + 1
        self.state.phase = phase
        self.state.turn = turn
        self.state.timer += 1
        self.state.speaking = True
        self.emit(Say(turn, prompts))

    def stop_prompt(self) -> None:
        if self.state.speaking:
            self.state.speaking = False
            self.emit(StopPrompt())

    def tell(self, text: Text, goes_to: str, *, every_language: bool = False) -> None:
        """Say it, then go on."""
        if self.state.typed and self.node.interruptible:
            self.go(goes_to)  # who types ahead knows what is said here
            return
        self.state.goes_to = goes_to
        self.say(Phase.TELLING, self.prompts(text, every_language=every_language))

    def prompts(self, text: Text, *, every_language: bool = False) -> tuple[Prompt, ...]:
        if not every_language:
            return (self._prompt(text, self.state.language),)
        own_first = sorted(self.flow.languages, key=lambda language: language != self.state.language)
        return tuple(self._prompt(text, language) for language in own_first)

    def _prompt(self, text: Text, language: str) -> Prompt:
        template = templates.parse(text.get(language) or "")
        seen = {} if template.static else self.values()
        return Prompt(template.render(seen, language), language, text.audio, template.static)

    # Knowing

    def values(self) -> Mapping[str, Any]:
        return known.values(self.state)

    def remember(self, name: str, value: Any, *, secret: bool) -> None:
        frame = self.state.frame
        secrets = frame.secrets | {name} if secret else frame.secrets - {name}
        self.change_frame(replace(frame, values={**frame.values, name: value}, secrets=secrets))

    def assign(self, written: Mapping[str, str]) -> None:
        """Set variables; each sees those before it. ``lang`` switches the language."""
        self._assign(written, self.values(), self.state.secrets)

    def _assign(self, written: Mapping[str, str], seen: Mapping[str, Any], secrets: frozenset[str]) -> None:
        visible = dict(seen)
        for name, text in written.items():
            template = templates.parse(text)
            value = template.render(visible, self.state.language)
            if name != "lang":
                secret = bool(template.names & secrets)
                secrets = secrets | {name} if secret else secrets - {name}
                visible[name] = value
                self.remember(name, value, secret=secret)
            elif value in self.flow.languages:
                visible["lang"] = value
                self.state.language = value

    def look_up(self, source: str, arguments: Mapping[str, str], timeout_s: float, retries: int) -> None:
        """Ask a source, and wait; ``arguments`` may have holes, and see secrets."""
        turn = self.state.turn + 1
        self.state.phase = Phase.WAITING
        self.state.turn = turn
        self.emit(LookUp(turn, source, self._rendered(arguments)[0], timeout_s, retries))

    # Listening

    def start_timer(self, seconds: float) -> None:
        timer = self.state.timer + 1
        self.state.timer = timer
        self.emit(StartTimer(timer, seconds))

    def listen(self, grammar: Grammar) -> None:
        if not self.state.listening and (grammar.phrases or grammar.digits):
            self.state.listening = True
            self.emit(Listen(self.state.turn, grammar))

    def stop_listening(self) -> None:
        if self.state.listening:
            self.state.listening = False
            self.emit(StopListening())

    # Keys

    def keep(self, received: Digit) -> None:
        """A key that is to be used later, or in this step by `next_key`."""
        state = self.state
        if received.digit == state.ignored_finish_key:
            self.state.ignored_finish_key = ""
        elif len(state.typed) < MAX_TYPED:
            self._unrecorded = None  # recorded when it is used
            typed, numbers = state.typed + received.digit, (*state.typed_numbers, state.received)
            self.state.typed = typed
            self.state.typed_numbers = numbers
            self.state.ignored_finish_key = ""
        else:
            self._unrecorded = Digit(MASKED)

    def next_key(self) -> str:
        """The first of the keys kept, for the present question."""
        state = self.state
        key, number = state.typed[0], state.typed_numbers[0]
        self.state.typed = state.typed[1:]
        self.state.typed_numbers = state.typed_numbers[1:]
        self.emit(Recorded(number, self.node.recordable(self, Digit(key))))
        return key

    def drop_typed(self) -> None:
        """Forget the keys kept. What they were meant for is not known, so they are recorded as secrets."""
        if self.state.typed:
            self.effects += unused_keys(self.state)
            self.state.typed = ""
            self.state.typed_numbers = ()

    def record(self) -> None:
        """Of the input of this step, unless it is a key that is kept."""
        if self._unrecorded is not None:
            self.effects.insert(0, Recorded(self.state.received, self._unrecorded))

    # Leaving

    def hand_back(self, reason: str) -> HandBack:
        return HandBack(reason, self.collected())

    def collected(self) -> Mapping[str, str]:
        return known.collected(self.state)


def unused_keys(state: State) -> list[Recorded]:
    """The records of keys that no question used."""
    return [Recorded(number, Digit(MASKED)) for number in state.typed_numbers]
