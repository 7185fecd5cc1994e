"""What callers are told to press must lead somewhere (IVR120). That what leads is told is the menu's own rule."""

from collections.abc import Iterator, Set

from ivr.language.keys import DIGITS, offered
from ivr.language.menus import Menus, Scope, nodes_of, scopes
from ivr.language.parts import HERE, Text
from ivr.language.place import listed
from switchroom.runtime.yamlfile import Document, Finding, Loc


def lint_keys(document: Document[Menus]) -> Iterator[Finding]:
    """Keys that are offered and lead nowhere."""
    menus = document.model
    for loc, text, allowed in _texts(menus):
        for language in menus.languages:
            for key in sorted(offered(text.get(language) or "", language) - allowed):
                message = f"callers are told to press {key}, which leads nowhere here{_instead(allowed)}"
                place = (*loc, language) if language in text.texts else loc
                yield document.finding(place, "IVR120", message)


def _texts(menus: Menus) -> Iterator[tuple[Loc, Text, Set[str]]]:
    """Every text, with the keys that a caller may press who hears it."""
    every = frozenset(menus.globals)
    nodes = [node for scope in scopes(menus) for node in scope.nodes.values()]
    asking = [node.keys(menus) or every for node in nodes if node.choices_by_key()]
    for field, some in (("noinput", menus.defaults.noinput), ("nomatch", menus.defaults.nomatch)):
        for loc, text in listed(("defaults", field), some):
            yield loc, text, frozenset.intersection(*asking) if asking else every
    for scope in scopes(menus):
        for name, node in scope.nodes.items():
            for at, text in node.texts():
                keys = node.keys_during(at, menus)
                allowed = keys if keys is not None else _next_keys(menus, scope, node.after(at))
                yield (*scope.at, "nodes", name, *at), text, allowed


def _instead(keys: Set[str]) -> str:
    return f"; there are {', '.join(sorted(keys))}" if keys else "; no key is taken after this"


def _next_keys(menus: Menus, scope: Scope, start: Iterator[str]) -> Set[str]:
    """The keys of the questions that may come next: they may be pressed while a text before them is heard."""
    keys: set[str] = set()
    seen: set[tuple[str, str]] = set()
    todo = [(scope.name, name) for name in start]
    while todo:
        here, name = todo.pop()
        if name in HERE:
            return DIGITS | {"*", "#"}  # any question there has been
        if name not in nodes_of(menus, here):
            here = ""
        node = nodes_of(menus, here).get(name)
        if node is None or (here, name) in seen:
            continue
        seen.add((here, name))
        if node.returns is not None:
            return DIGITS | {"*", "#"}  # any question of the flow that called
        taken = node.keys(menus)
        if taken is not None:
            keys |= taken
            continue
        todo += [(here, way.target) for way in node.ways()]
        todo += [(called, menus.flows[called].start) for _, called in node.calls() if called in menus.flows]
    return keys
