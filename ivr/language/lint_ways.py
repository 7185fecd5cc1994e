"""Where a menu's ways lead: to nodes that are there, from the start to every node, for everybody to an end."""

from collections.abc import Iterable, Iterator

from ivr.language.hints import close_to
from ivr.language.menus import Menus, scopes
from ivr.language.parts import HERE
from ivr.language.verb import Verb
from switchroom.runtime.yamlfile import Document, Finding, Loc

Spot = tuple[str, str]
"""A node: (scope, name)."""


def lint_ways(document: Document[Menus]) -> Iterator[Finding]:
    """IVR101, 102, 106, 114, and of sub-flows 122, 123, 125."""
    graph = _Graph(document.model)
    calls = list(_sub_flows(document))
    yield from _targets(document)
    yield from calls
    yield from _reachable(document, graph)
    if all(finding.code != "IVR123" for finding in calls):  # it would say the same
        yield from _endless(document, graph)


class _Graph:
    """All nodes of a file, those of sub-flows too."""

    def __init__(self, menus: Menus) -> None:
        self.menus = menus
        self.scopes = {scope.name: scope for scope in scopes(menus)}

    def node(self, spot: Spot) -> Verb:
        return self.scopes[spot[0]].nodes[spot[1]]

    def find(self, scope: str, name: str) -> Spot | None:
        """The node that a name means in a scope: one of its own, else one of the menu's."""
        for one in (scope, ""):
            if name in self.scopes[one].nodes:
                return one, name
        return None

    def spots(self, spot: Spot, names: Iterable[str]) -> Iterator[Spot]:
        """The nodes that a node's targets mean; ``back`` and ``again`` mean the node itself."""
        for name in names:
            found = spot if name in HERE else self.find(spot[0], name)
            if found is not None:
                yield found

    def called(self, spot: Spot) -> Iterator[Spot]:
        for _, name in self.node(spot).calls():
            if name in self.scopes and self.scopes[name].start in self.scopes[name].nodes:
                yield name, self.scopes[name].start


def _targets(document: Document[Menus]) -> Iterator[Finding]:
    menus = document.model
    outer: dict[Loc, str] = {("globals", key, "goto"): choice.goto for key, choice in menus.globals.items()}
    outer["defaults", "give_up", "goto"] = menus.defaults.give_up.goto
    for scope in scopes(menus):
        known = [*scope.nodes, *(menus.nodes if scope.name else ()), *HERE]
        written: dict[Loc, str] = dict(outer) if not scope.name else {}
        for name, node in scope.nodes.items():
            at = (*scope.at, "nodes", name)
            if name in HERE:
                yield document.finding(at, "IVR114", f"`{name}` has a meaning of its own; use another name")
            written |= {(*at, *way.at): way.target for way in node.ways()}
        for loc, target in written.items():
            if target not in known:
                yield document.finding(loc, "IVR101", f"there is no node `{target}`{close_to(target, known)}")
        if scope.start not in scope.nodes:
            message = f"there is no node `{scope.start}`{close_to(scope.start, scope.nodes)}"
            yield document.finding((*scope.at, "start"), "IVR101", message)


def _sub_flows(document: Document[Menus]) -> Iterator[Finding]:
    menus = document.model
    for scope in scopes(menus):
        for name, node in scope.nodes.items():
            for at, called in node.calls():
                loc = (*scope.at, "nodes", name, *at)
                if called not in menus.flows:
                    message = f"there is no sub-flow `{called}`{close_to(called, menus.flows)}"
                    yield document.finding(loc, "IVR122", message)
                elif scope.name and (circle := _circle(menus, called, scope.name)):
                    message = f"sub-flows call one another without end: {' → '.join(circle)}"
                    yield document.finding(loc, "IVR123", message)
        if scope.name and all(node.returns is None for node in scope.nodes.values()):
            message = f"`{scope.name}` never returns: no node of it is a `return`"
            yield document.finding(scope.at, "IVR125", message, "warning")


def _circle(menus: Menus, called: str, home: str) -> tuple[str, ...] | None:
    """The way from a sub-flow that ``home`` calls back to ``home``; None where there is none."""
    seen: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        if name == home:
            return (*path, name)
        if name in seen or name not in menus.flows:
            return None
        seen.add(name)
        further = [one for node in menus.flows[name].nodes.values() for _, one in node.calls()]
        return next((way for one in further if (way := follow(one, (*path, name)))), None)

    return follow(called, (home,))


def _reachable(document: Document[Menus], graph: _Graph) -> Iterator[Finding]:
    seen: set[Spot] = set()
    todo = [spot for spot in (graph.find("", graph.menus.start),) if spot is not None]
    while todo:
        spot = todo.pop()
        if spot in seen:
            continue
        seen.add(spot)
        todo += graph.spots(spot, graph.node(spot).reaches(graph.menus))
        todo += graph.called(spot)
    for scope in graph.scopes.values():
        for name in scope.nodes:
            if (scope.name, name) not in seen and name not in HERE:
                yield document.finding((*scope.at, "nodes", name), "IVR102", f"nothing leads to `{name}`", "warning")


def _endless(document: Document[Menus], graph: _Graph) -> Iterator[Finding]:
    """A caller who does nothing must arrive somewhere: follow give-ups and every way that needs no caller."""
    done: set[Spot] = set()

    def follow(spot: Spot, path: tuple[Spot, ...]) -> tuple[Spot, ...] | None:
        if spot in path:
            return (*path[path.index(spot) :], spot)
        if spot in done:
            return None
        onward = [*graph.spots(spot, graph.node(spot).silent(graph.menus)), *graph.called(spot)]
        for target in onward:
            if circle := follow(target, (*path, spot)):
                return circle
        done.add(spot)
        return None

    for scope in graph.scopes.values():
        for name in scope.nodes:
            if circle := follow((scope.name, name), ()):
                way = " → ".join(f"{spot[0]}.{spot[1]}" if spot[0] else spot[1] for spot in circle)
                at = (*graph.scopes[circle[0][0]].at, "nodes", circle[0][1])
                yield document.finding(at, "IVR106", f"a caller who does nothing goes round for ever: {way}")
                return  # one circle is shown at a time: its neighbours would only repeat it
