"""Walking through a flow: entering nodes, speaking, asking, leaving. One `Walk` is one step of the machine."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ivr.language import models, spoken, templates
from ivr.language.expressions import WrongType
from ivr.language.flow import Flow
from ivr.machine.effects import (
    Effect,
    Enqueue,
    Finish,
    Grammar,
    HandBack,
    Hush,
    Listen,
    LookUp,
    Prompt,
    Resolved,
    Say,
    StartTimer,
    StopListening,
    Taken,
    Undecided,
    Visited,
)
from ivr.machine.state import Phase, State
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.events import InputKind
from switchroom.domain.ids import QueueName

MAX_STRIDES = 100
"""Nodes passed without asking anything of the caller."""
MAX_FAILURES = 20
"""Failed inputs in a row, over all questions."""
MAX_SHOWN = 200
"""Characters of a value that the agent is shown."""


class Walk:
    """One step in the making: the state as it becomes, and the effects so far."""

    def __init__(self, flow: Flow, state: State) -> None:
        self.flow = flow
        self.state = state
        self.effects: list[Effect] = []

    def change(self, **fields: Any) -> None:
        self.state = replace(self.state, **fields)

    # From node to node

    def enter(self, target: str) -> None:
        """Go on to a node, and through all that need not wait."""
        self.stop_listening()
        name = self.resolve(target)
        if self.state.strides >= MAX_STRIDES or self.state.failures >= MAX_FAILURES:
            self.end(self.hand_back("endless"))
            return
        self.change(node=name, strides=self.state.strides + 1, misses=0)
        self.effects.append(Visited(name))
        node = self.flow.node(name)
        match node:
            case models.Menu() | models.Collect():
                if self.state.asked[-1:] != (name,):
                    self.change(asked=(*self.state.asked[-19:], name))
                self.ask(node)
            case models.Say():
                self.tell(node.say, self.way_on(node), every_language=node.every_language)
            case models.Set():
                self.assign(node.set)
                self.enter(self.way_on(node))
            case models.When():
                self.enter(self.branch(node.when))
            case models.Lookup():
                self.look_up(node)
            case models.Queue(say=None):
                self.leave()
            case models.Queue(say=models.Text() as text) | models.Hangup(hangup=text):
                self.say(Phase.LEAVING, self.prompts(text))

    def resolve(self, target: str) -> str:
        if target == models.AGAIN:
            return self.state.node
        if target != models.BACK:
            return target
        before = [name for name in self.state.asked if name != self.state.node]
        if not before:
            return self.state.node
        self.change(asked=tuple(before))
        return before[-1]

    def way_on(self, node: models.GoesOn) -> str:
        return node.goto if node.goto is not None else self.branch(node.when or ())

    def branch(self, branches: tuple[models.Branch, ...]) -> str:
        values = self.values()
        taken = (b for b in branches if b.if_ is None or self.holds(b.if_, values))
        return next(taken).target  # the last is an else

    def holds(self, condition: str, values: Mapping[str, Any]) -> bool:
        try:
            return self.flow.conditions[condition].holds(values)
        except WrongType:
            self.effects.append(Undecided(self.state.node, condition))
            return False

    def exit(self, way: models.Exit) -> None:
        if way.say is not None:
            self.tell(way.say, way.goto)
        else:
            self.enter(way.goto)

    def end(self, effect: Enqueue | Finish | HandBack) -> None:
        self.hush()
        self.change(phase=Phase.ENDED)
        self.effects.append(effect)

    # Speaking

    def say(self, phase: Phase, prompts: tuple[Prompt, ...]) -> None:
        # No timer runs while a prompt is heard: the number of an old one goes out of date.
        self.change(phase=phase, turn=self.state.turn + 1, timer=self.state.timer + 1, speaking=True)
        self.effects.append(Say(self.state.turn, prompts))

    def hush(self) -> None:
        if self.state.speaking:
            self.change(speaking=False)
            self.effects.append(Hush())

    def tell(self, text: models.Text, goes_to: str, *, every_language: bool = False) -> None:
        if self.state.typed and self.interruptible:
            self.enter(goes_to)  # who types ahead knows what is said here
            return
        self.change(goes_to=goes_to)
        self.say(Phase.TELLING, self.prompts(text, every_language=every_language))

    def been_told(self) -> None:
        """The caller has heard a node's prompt, or enough of it to press a key."""
        node = self.flow.node(self.state.node)
        if isinstance(node, models.Say | models.Hangup) and node.resolves:
            self.effects.append(Resolved())

    @property
    def interruptible(self) -> bool:
        node = self.flow.node(self.state.node)
        return node.barge_in if isinstance(node, models.Say) else True

    def prompts(self, text: models.Text, *, every_language: bool = False) -> tuple[Prompt, ...]:
        languages = self.flow.languages if every_language else (self.state.language,)
        own_first = sorted(languages, key=lambda language: language != self.state.language)
        return tuple(self.prompt(text, language) for language in own_first)

    def prompt(self, text: models.Text, language: str) -> Prompt:
        template = templates.parse(text.get(language) or "")
        return Prompt(template.render(self.values(), language), language, text.audio, template.static)

    # Knowing

    def values(self) -> Mapping[str, Any]:
        """What templates and conditions see."""
        caller = self.state.caller
        known = {
            "tier": caller.tier.value,
            "name": caller.name or "",
            "phone": caller.phone,
            "number": caller.number,
            "known": caller.customer_id is not None,
        }
        return {**self.state.values, "lang": self.state.language, "caller": known}

    def remember(self, name: str, value: Any, *, secret: bool) -> None:
        secrets = self.state.secrets | {name} if secret else self.state.secrets - {name}
        self.change(values={**self.state.values, name: value}, secrets=secrets)

    def assign(self, assignments: Mapping[str, str]) -> None:
        for name, written in assignments.items():
            template = templates.parse(written)
            value = template.render(self.values(), self.state.language)
            if name != "lang":
                self.remember(name, value, secret=bool(template.names & self.state.secrets))
            elif value in self.flow.languages:
                self.change(language=value)

    def look_up(self, node: models.Lookup) -> None:
        self.change(phase=Phase.LOOKING_UP, turn=self.state.turn + 1)
        values = self.values()
        arguments = {name: templates.parse(t).render(values, self.state.language) for name, t in node.with_.items()}
        self.effects.append(LookUp(self.state.turn, node.lookup, arguments, node.timeout.total_seconds(), node.retries))

    # Asking

    def ask(self, node: models.Menu | models.Collect, *first: models.Text) -> None:
        """Put the question; unless it is answered by keys typed ahead. ``first`` is said where it is put again."""
        self.change(digits="", pending=None)
        if self.state.typed and not first:
            self.change(phase=Phase.ASKING, turn=self.state.turn + 1)
            self.use_typed(node)
            return
        whole = node.menu if isinstance(node, models.Menu) else node.collect
        question = (node.short if first else None) or whole
        every_language = isinstance(node, models.Menu) and node.every_language
        said = tuple(prompt for text in first for prompt in self.prompts(text))
        self.say(Phase.ASKING, said + self.prompts(question, every_language=every_language))
        if self.flow.listen(node).barge_in:
            self.listen(self.grammar(node))

    def use_typed(self, node: models.Menu | models.Collect) -> None:
        turn = self.state.turn
        while self.state.typed and self.state.turn == turn and self.state.phase is Phase.ASKING:
            key, rest = self.state.typed[0], self.state.typed[1:]
            self.change(typed=rest)
            self.press(node, key)
        if self.state.turn == turn and self.state.phase is Phase.ASKING:  # not answered yet
            self.wait(node)

    def wait(self, node: models.Menu | models.Collect) -> None:
        settings = self.flow.listen(node)
        self.start_timer((settings.between_digits if self.state.digits else settings.timeout).total_seconds())
        if not self.state.digits:
            self.listen(self.grammar(node))

    def start_timer(self, seconds: float) -> None:
        self.change(timer=self.state.timer + 1)
        self.effects.append(StartTimer(self.state.timer, seconds))

    def listen(self, grammar: Grammar) -> None:
        node = self.flow.node(self.state.node)
        speech = isinstance(node, models.Asks) and self.flow.listen(node).speech
        if speech and not self.state.listening and (grammar.phrases or grammar.digits):
            self.change(listening=True)
            self.effects.append(Listen(self.state.turn, grammar))

    def stop_listening(self) -> None:
        if self.state.listening:
            self.change(listening=False)
            self.effects.append(StopListening())

    def grammar(self, node: models.Menu | models.Collect) -> Grammar:
        digits = isinstance(node, models.Collect) and node.digits.speech
        return Grammar(self.state.language, tuple(self.spoken_choices(node)), digits)

    def spoken_choices(self, node: models.Menu | models.Collect) -> Mapping[str, str]:
        """Phrases, to the keys that they stand for. A menu's own choices go before the globals."""
        choices = {**self.flow.menus.globals, **(node.choices if isinstance(node, models.Menu) else {})}
        return {
            phrase: key for key, choice in choices.items() for phrase in choice.phrases.get(self.state.language, ())
        }

    def press(self, node: models.Menu | models.Collect, key: str) -> None:
        if isinstance(node, models.Menu):
            self.choose(node, key, Taken(node=self.state.node, kind=InputKind.DTMF, value=key))
        elif key == node.digits.finish:
            self.complete(node, self.state.digits, InputKind.DTMF)
        elif key.isdigit():
            self.stop_listening()  # who types does not speak: a noise must not wipe what was typed
            self.change(digits=self.state.digits + key)
            if len(self.state.digits) == node.digits.most:
                self.change(swallow=node.digits.finish or "")
                self.complete(node, self.state.digits, InputKind.DTMF)
        elif key in self.flow.menus.globals:
            self.choose(node, key, Taken(node=self.state.node, kind=InputKind.DTMF, value=key))

    def choose(self, node: models.Menu | models.Collect, key: str, taken: Taken) -> None:
        own = node.choices.get(key) if isinstance(node, models.Menu) else None
        choice = own or self.flow.menus.globals.get(key)
        if choice is None:
            self.miss(node, silent=False)
            return
        self.accept(taken)
        self.assign(choice.set)
        self.enter(choice.goto)

    def accept(self, taken: Taken) -> None:
        self.effects.append(taken)
        self.change(failures=0, strides=0, misses=0, pending=None)

    def complete(self, node: models.Collect, digits: str, kind: InputKind, confidence: float | None = None) -> None:
        if not node.digits.least <= len(digits) <= node.digits.most:
            self.miss(node, silent=False)
            return
        self.remember(node.into, digits, secret=node.secret)
        shown = "*" * len(digits) if node.secret else digits
        taken = Taken(self.state.node, kind, shown, confidence)
        if node.confirm is None:
            self.accept(taken)
            self.enter(self.way_on(node))
        else:
            self.change(pending=taken)
            self.confirm(node)

    def confirm(self, node: models.Collect, *first: models.Text) -> None:
        assert node.confirm is not None
        self.stop_listening()
        said = tuple(prompt for text in first for prompt in self.prompts(text))
        self.say(Phase.CONFIRMING, said + self.prompts(node.confirm))
        base = spoken.base(self.state.language)
        self.listen(Grammar(self.state.language, (*spoken.YES.get(base, ()), *spoken.NO.get(base, ()))))

    def miss(self, node: models.Menu | models.Collect, *, silent: bool) -> None:
        """Nothing came, or nothing that can be used: say so and ask again, or give up."""
        self.hush()
        self.stop_listening()
        misses = self.state.misses + 1
        self.change(misses=misses, failures=self.state.failures + 1, typed="", digits="")
        defaults = self.flow.menus.defaults
        give_up = node.give_up or defaults.give_up
        if misses >= give_up.after:
            self.enter(give_up.goto)
            return
        texts = (node.noinput or defaults.noinput) if silent else (node.nomatch or defaults.nomatch)
        word = texts[min(misses, len(texts)) - 1]
        if self.state.phase is Phase.CONFIRMING and isinstance(node, models.Collect):
            self.confirm(node, word)
        else:
            self.ask(node, word)

    # Leaving

    def leave(self) -> None:
        node = self.flow.node(self.state.node)
        if not isinstance(node, models.Queue):
            self.end(Finish())
            return
        values, language = self.values(), self.state.language
        rendered = {templates.parse(skill).render(values, language): level for skill, level in node.skills.items()}
        written = templates.parse(node.tier)
        try:
            tier = CustomerTier(written.render(values, language))
        except ValueError:
            tier = self.state.caller.tier
        skills = {skill: level for skill, level in rendered.items() if skill}
        self.end(Enqueue(Requirements(QueueName(node.queue), skills, tier, written.static), self.collected()))

    def hand_back(self, reason: str) -> HandBack:
        return HandBack(reason, self.collected())

    def collected(self) -> Mapping[str, str]:
        """What the agent is shown: the plain, open values, and the language spoken."""
        shown = {
            name: value[:MAX_SHOWN]
            for name, value in self.state.values.items()
            if isinstance(value, str) and name not in self.state.secrets
        }
        return {**shown, "language": self.state.language}
