"""Fields of records that are not there (IVR119)."""

import re
from collections.abc import Iterator, Mapping, Set

from ivr.language import templates
from ivr.language.hints import close_to, quoted
from ivr.language.menus import Menus, nodes
from ivr.language.place import choices, conditions, filled
from ivr.language.surroundings import Source, Surroundings
from switchroom.runtime.yamlfile import Document, Finding, Loc

NO_FIELD = "IVR119"
CALLER_FIELDS = frozenset({"tier", "name", "phone", "number", "known"})
BRAND_FIELDS = frozenset({"name", "title"})

_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_FIELD = re.compile(r"(?<![\w.])([a-z][a-z0-9_]*)\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")


def lint_fields(document: Document[Menus], around: Surroundings) -> Iterator[Finding]:
    """Every field that a text, an argument, an assignment or a condition names must be one of its record."""
    brand = BRAND_FIELDS | around.brand_arguments
    records = {"caller": CALLER_FIELDS, "brand": brand, **_records(document.model, around.sources)}
    for loc, variable, field in _used(document.model):
        if variable in records and field not in records[variable]:
            hint = close_to(field, records[variable]) or f"; it has {quoted(records[variable])}"
            yield document.finding(loc, NO_FIELD, f"`{variable}` has no field `{field}`{hint}")


def _records(menus: Menus, sources: Mapping[str, Source]) -> Mapping[str, Set[str]]:
    """The variables that hold nothing but records of known sources, and the fields that they may have."""
    found: dict[str, Set[str]] = {}
    unknown = {name for _, choice in choices(menus) for name in choice.set}
    for _, node in nodes(menus):
        unknown |= {name for _, called in node.calls() for name in node.arguments()}
        for name, source in node.sets(menus):
            if source is not None and source in sources:
                found[name] = found.get(name, frozenset()) | sources[source].fields
            else:
                unknown.add(name)
    return {name: fields for name, fields in found.items() if name not in unknown}


def _used(menus: Menus) -> Iterator[tuple[Loc, str, str]]:
    """(place, variable, field)"""
    for loc, written in filled(menus):
        try:
            paths = templates.parse(written).paths
        except templates.TemplateError:
            continue  # reported as such
        for path in paths:
            if len(path) > 1:
                yield loc, path[0], path[1]
    for loc, condition in conditions(menus):
        for variable, field in _FIELD.findall(_TEXT.sub("''", condition)):
            yield loc, variable, field
