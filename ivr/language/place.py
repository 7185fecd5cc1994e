"""Where in a menu file something is written: places are paths of keys and positions."""

from collections.abc import Iterator
from dataclasses import dataclass

from ivr.language.menus import Menus, Scope, nodes
from ivr.language.parts import Choice, Text
from ivr.language.surroundings import Surroundings
from switchroom.runtime.yamlfile import Document, Finding, Loc, Severity


@dataclass(frozen=True, slots=True)
class Place:
    """A node under check. Without ``surroundings`` queues, skills and sources of data are taken on trust."""

    document: Document[Menus]
    scope: Scope
    name: str
    surroundings: Surroundings | None

    @property
    def menus(self) -> Menus:
        return self.document.model

    @property
    def at(self) -> Loc:
        return (*self.scope.at, "nodes", self.name)

    def finding(self, loc: Loc, code: str, message: str, severity: Severity = "error") -> Finding:
        """A finding at a place in the node."""
        return self.document.finding((*self.at, *loc), code, message, severity)


def texts(menus: Menus) -> Iterator[tuple[Loc, Text]]:
    """Everything that a flow says."""
    yield from listed(("defaults", "noinput"), menus.defaults.noinput)
    yield from listed(("defaults", "nomatch"), menus.defaults.nomatch)
    for at, node in nodes(menus):
        for loc, text in node.texts():
            yield (*at, *loc), text


def listed(at: Loc, some: tuple[Text, ...]) -> Iterator[tuple[Loc, Text]]:
    """Texts that are written one after the other."""
    for index, text in enumerate(some):
        yield (*at, index), text


def choices(menus: Menus) -> Iterator[tuple[Loc, Choice]]:
    """Every choice of a caller, the globals first."""
    for key, choice in menus.globals.items():
        yield ("globals", key), choice
    for at, node in nodes(menus):
        for key, choice in node.choices_by_key().items():
            yield (*at, "choices", key), choice


def conditions(menus: Menus) -> Iterator[tuple[Loc, str]]:
    """Every condition."""
    for at, node in nodes(menus):
        for loc, condition in node.conditions():
            yield (*at, *loc), condition


def filled(menus: Menus) -> Iterator[tuple[Loc, str]]:
    """Everything that may have holes."""
    for loc, text in texts(menus):
        for language, written in text.texts.items():
            yield ((*loc, language) if language else loc), written
    for loc, choice in choices(menus):
        for name, written in choice.set.items():
            yield (*loc, "set", name), written
    for at, node in nodes(menus):
        for loc, written in node.filled():
            yield (*at, *loc), written
