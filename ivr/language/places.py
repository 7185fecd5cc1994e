"""Where in a menu file something is written: places are paths of keys and positions."""

from collections.abc import Iterator

from ivr.language.flow import texts
from ivr.language.models import Choice, Lookup, Menu, Menus, Queue
from ivr.language.models import Set as SetNode
from switchroom.runtime.yamlfile import Loc


def choices(menus: Menus) -> Iterator[tuple[Loc, Choice]]:
    """Every way out of a menu, the globals first."""
    for key, choice in menus.globals.items():
        yield ("globals", key), choice
    for name, node in menus.nodes.items():
        if isinstance(node, Menu):
            for key, choice in node.choices.items():
                yield ("nodes", name, "choices", key), choice


def filled(menus: Menus) -> Iterator[tuple[Loc, str]]:
    """Everything that may have holes."""
    for loc, text in texts(menus):
        for language, written in text.texts.items():
            yield ((*loc, language) if language else loc), written
    for loc, choice in choices(menus):
        for name, written in choice.set.items():
            yield (*loc, "set", name), written
    for node_name, node in menus.nodes.items():
        at = ("nodes", node_name)
        if isinstance(node, SetNode):
            for name, written in node.set.items():
                yield (*at, "set", name), written
        elif isinstance(node, Lookup):
            for name, written in node.with_.items():
                yield (*at, "with", name), written
        elif isinstance(node, Queue):
            yield (*at, "tier"), node.tier
            for written in node.skills:
                yield (*at, "skills", written), written
