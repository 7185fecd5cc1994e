"""``menu``: asks the caller to choose, by key or by phrase."""

import difflib
from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from ivr.language.keys import mentioned
from ivr.language.menus import Menus
from ivr.language.parts import Choice, Key, Text
from ivr.language.place import Place
from ivr.language.verb import Picture, Way
from ivr.machine.effects import Taken
from ivr.machine.step import Step
from ivr.verbs.asking import Asks
from switchroom.domain.events import InputKind
from switchroom.runtime.yamlfile import Finding, Loc

CONFUSABLE = 0.8
"""Phrases of one menu whose letters agree to this share are likely to be taken for one another."""


class Menu(Asks):
    """Asks the caller to choose."""

    verb: ClassVar[str] = "menu"
    example: ClassVar[str] = """
choose:
  menu: {zh-CN: 查订单请按1。, en-US: "Orders, press 1.", audio: main-menu}
  choices:
    "1": {phrases: {zh-CN: [订单], en-US: [orders]}, set: {topic: order}, goto: agent}
  listen: {timeout: 5s, barge_in: true, speech: true, min_confidence: 0.5}
  short: {zh-CN: 订单按1。, en-US: "Orders, press 1."}  # the question when it is put again
  noinput: [{zh-CN: 请选择。, en-US: Please choose.}]    # the second time the second text, and so on
  give_up: {after: 2, goto: agent}
"""

    menu: Text
    every_language: bool = Field(False, description="Said in every language of the flow, one after the other.")
    choices: Mapping[Key, Choice] = Field(min_length=1)

    @property
    def question(self) -> Text:
        return self.menu

    @property
    def in_every_language(self) -> bool:
        return self.every_language

    def choices_by_key(self) -> Mapping[str, Choice]:
        return self.choices

    def ways(self) -> Iterator[Way]:
        for key, choice in self.choices.items():
            yield Way(("choices", key, "goto"), choice.goto, key)
        yield from super().ways()

    def keys(self, menus: Menus) -> frozenset[str]:
        return frozenset(self.choices) | frozenset(menus.globals)

    def picture(self) -> Picture:
        return Picture("question", super().picture().label)

    def press(self, step: Step, key: str) -> None:
        self.choose(step, key, Taken(step.state.place, InputKind.DTMF, key))

    def lint(self, place: Place) -> Iterator[Finding]:
        yield from self._unmentioned(place)
        yield from self._phrases(place)

    def _unmentioned(self, place: Place) -> Iterator[Finding]:
        """A choice that no caller hears of (IVR121, a warning)."""
        for language in place.menus.languages:
            heard = " ".join(text.get(language) or "" for text in self._heard_here(place))
            keys = mentioned(heard, language)
            if keys is None:
                continue
            for key, choice in self.choices.items():
                phrases = choice.phrases.get(language, ())
                if key not in keys and not any(phrase.lower() in heard.lower() for phrase in phrases):
                    message = f"no prompt in {language} tells callers of key {key}; say it, or leave the choice out"
                    yield place.finding(("choices", key), "IVR121", message, "warning")

    def _heard_here(self, place: Place) -> Iterator[Text]:
        """What a caller hears who is at the menu, and right before."""
        defaults = place.menus.defaults
        yield self.menu
        yield from self.noinput or defaults.noinput
        yield from self.nomatch or defaults.nomatch
        for before in place.scope.nodes.values():
            if before.keys(place.menus) is None:
                yield from (text for at, text in before.texts() if place.name in before.after(at))

    def _phrases(self, place: Place) -> Iterator[Finding]:
        """In one menu, globals included, a phrase must lead to one place, and not sound like another's."""
        common = {key: choice for key, choice in place.menus.globals.items() if key not in self.choices}
        written: Mapping[Loc, Choice] = {
            **{("globals", key): choice for key, choice in common.items()},
            **{(*place.at, "choices", key): choice for key, choice in self.choices.items()},
        }
        for language in place.menus.languages:
            said = [
                ((*loc, "phrases", language, index), loc, phrase.lower())
                for loc, choice in written.items()
                for index, phrase in enumerate(choice.phrases.get(language, ()))
            ]
            for index, (loc, choice_loc, phrase) in enumerate(said):
                for _, other_loc, other in said[:index]:
                    if other_loc == choice_loc:
                        continue
                    if phrase == other:
                        message = f"`{phrase}` already leads somewhere else"
                        yield place.document.finding(loc, "IVR107", message)
                    elif difflib.SequenceMatcher(None, phrase, other).ratio() >= CONFUSABLE:
                        message = f"`{phrase}` may be taken for `{other}`"
                        yield place.document.finding(loc, "IVR108", message, "warning")
