"""A menu file made ready to run: checked, versioned by its content, conditions compiled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivr.language.expressions import Expression
from ivr.language.models import Asks, Branch, Collect, Listen, Lookup, Menu, Menus, Node, Queue, Say, Set, Text, When


@dataclass(frozen=True, slots=True)
class Flow:
    """What a call is pinned to from its first prompt to its end."""

    menus: Menus
    version: str
    conditions: Mapping[str, Expression]

    @property
    def name(self) -> str:
        return self.menus.name

    @property
    def languages(self) -> tuple[str, ...]:
        return self.menus.languages

    def node(self, name: str) -> Node:
        return self.menus.nodes[name]

    def listen(self, node: Asks) -> Listen:
        return node.listen or self.menus.defaults.listen


def branches(node: Node) -> tuple[Branch, ...]:
    """The conditions by which a node goes on."""
    return node.when or () if isinstance(node, When | Say | Set | Collect) else ()


def texts(menus: Menus) -> Iterator[tuple[tuple[str | int, ...], Text]]:
    """Everything that a flow says, with its place in the file."""
    defaults = menus.defaults
    yield from _listed(("defaults", "noinput"), defaults.noinput)
    yield from _listed(("defaults", "nomatch"), defaults.nomatch)
    for name, node in menus.nodes.items():
        at = ("nodes", name)
        for field in ("menu", "say", "collect", "short", "confirm", "hangup"):
            text = getattr(node, field, None)
            if isinstance(text, Text):
                yield (*at, field), text
        if isinstance(node, Asks):
            yield from _listed((*at, "noinput"), node.noinput or ())
            yield from _listed((*at, "nomatch"), node.nomatch or ())
        if isinstance(node, Lookup):
            for field in ("ok", "not_found", "error"):
                text = getattr(node, field).say
                if text is not None:
                    yield (*at, field, "say"), text


def _listed(at: tuple[str | int, ...], listed: tuple[Text, ...]) -> Iterator[tuple[tuple[str | int, ...], Text]]:
    for index, text in enumerate(listed):
        yield (*at, index), text


def targets(node: Node) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every way out of a node, with its place in the node."""
    if isinstance(node, Menu):
        for key, choice in node.choices.items():
            yield ("choices", key, "goto"), choice.goto
    elif isinstance(node, Lookup):
        for field in ("ok", "not_found", "error"):
            yield (field, "goto"), getattr(node, field).goto
    elif not isinstance(node, When) and (goto := getattr(node, "goto", None)) is not None:
        yield ("goto",), goto
    for index, branch in enumerate(branches(node)):
        yield ("when", index, "goto" if branch.goto else "else"), branch.target
    if isinstance(node, Asks) and node.give_up is not None:
        yield ("give_up", "goto"), node.give_up.goto


def ends(node: Node) -> bool:
    """The flow ends here: in a queue, or with a good-bye."""
    return isinstance(node, Queue) or not any(True for _ in targets(node))
