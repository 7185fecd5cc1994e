"""Variables that nothing sets (IVR104), and texts and conditions that cannot be read (IVR111, IVR105)."""

from collections.abc import Iterable, Iterator, Set

from ivr.language import templates
from ivr.language.expressions import Expression, ExpressionError
from ivr.language.hints import close_to
from ivr.language.menus import Menus, Scope, nodes, scopes
from ivr.language.place import conditions, filled
from switchroom.runtime.yamlfile import Document, Finding, Loc

BUILT_IN = frozenset({"brand", "caller", "lang"})
"""Variables that are always there: the caller (tier, name, phone, known, number), the brand and the language."""


def lint_variables(document: Document[Menus]) -> Iterator[Finding]:
    """A sub-flow sees its arguments and what its own nodes set, and nothing else."""
    menus = document.model
    known = {scope.name: _known(menus, scope) for scope in scopes(menus)}
    everywhere = frozenset[str]().union(*known.values())

    def unknown(loc: Loc, names: Iterable[str]) -> Iterator[Finding]:
        here = known[str(loc[1])] if loc[0] == "flows" else known[""] if loc[0] == "nodes" else everywhere
        for name in sorted(set(names) - here):
            yield document.finding(loc, "IVR104", f"nothing sets `{name}`{close_to(name, here)}")

    for loc, written in filled(menus):
        try:
            yield from unknown(loc, templates.parse(written).names)
        except templates.TemplateError as error:
            yield document.finding(loc, "IVR111", str(error))
    for loc, condition in conditions(menus):
        try:
            yield from unknown(loc, Expression(condition).names)
        except ExpressionError as error:
            yield document.finding(loc, "IVR105", f"the condition, at its column {error.column}: {error}")


def _known(menus: Menus, scope: Scope) -> Set[str]:
    known = set(BUILT_IN)
    for choice in menus.globals.values():
        known |= choice.set.keys()
    for node in scope.nodes.values():
        known |= {name for name, _ in node.sets(menus)}
        for choice in node.choices_by_key().values():
            known |= choice.set.keys()
    for _, node in nodes(menus) if scope.name else ():
        if any(called == scope.name for _, called in node.calls()):
            known |= node.arguments().keys()
    if not scope.name:  # a choice of a sub-flow that leads to a node of the menu sets its variables there
        for flow in menus.flows.values():
            for node in flow.nodes.values():
                for choice in node.choices_by_key().values():
                    if choice.goto not in flow.nodes:
                        known |= choice.set.keys()
    return known
