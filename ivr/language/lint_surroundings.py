"""What would strand a caller although the menu itself is sound: no such queue, nobody for it, no such data."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Set

from ivr.language import templates
from ivr.language.flow import branches
from ivr.language.models import Lookup, Menus, Queue
from ivr.language.models import Set as SetNode
from ivr.language.places import choices, filled
from ivr.language.surroundings import Skills, Source, Surroundings
from switchroom.runtime.yamlfile import Document, Finding, Loc

CALLER_FIELDS = frozenset({"tier", "name", "phone", "number", "known"})

GIVE = "give it to an agent in agents.yaml, or ask for less"

_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_FIELD = re.compile(r"(?<![\w.])([a-z][a-z0-9_]*)\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")


def lint_surroundings(document: Document[Menus], surroundings: Surroundings) -> Iterator[Finding]:
    """Everything that does not fit the surroundings."""
    for name, node in document.model.nodes.items():
        if isinstance(node, Queue):
            yield from _queue(document, ("nodes", name), node, surroundings)
        elif isinstance(node, Lookup):
            yield from _lookup(document, ("nodes", name), node, surroundings.sources)
    yield from _fields(document, surroundings.sources)


def close_to(wrong: str, known: Iterable[str]) -> str:
    """A hint at what may have been meant."""
    close = difflib.get_close_matches(wrong, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


# Queues


def _queue(document: Document[Menus], at: Loc, node: Queue, surroundings: Surroundings) -> Iterator[Finding]:
    if node.queue not in surroundings.queues:
        hint = close_to(node.queue, surroundings.queues) or f"; there are {_listed(surroundings.queues)}"
        yield document.finding((*at, "queue"), "IVR116", f"queues.yaml has no queue `{node.queue}`{hint}")
        return
    told: set[str] = set()
    for language in document.model.languages:
        needed, missing = dict(surroundings.queues[node.queue]), False
        for written, skill, level in _asked(node, language):
            needed[skill] = max(level, needed.get(skill, 0))
            if _had(surroundings, {skill: level}):
                continue
            missing = True
            if skill not in told:
                told.add(skill)
                message = _nobody(surroundings, skill, level)
                yield document.finding((*at, "skills", written), "IVR117", f"{message}; {GIVE}")
        if not missing and not _had(surroundings, needed):
            together = ", ".join(f"`{skill}` {level}" for skill, level in needed.items())
            if together not in told:
                told.add(together)
                message = f"no agent has all that is asked for here, the queue's own included ({together})"
                message += f"; {GIVE}"
                yield document.finding((*at, "queue"), "IVR117", message)


def _asked(node: Queue, language: str) -> Iterator[tuple[str, str, int]]:
    """What is known to be asked for in a language: (as written, skill, level)."""
    for written, level in node.skills.items():
        try:
            template = templates.parse(written)
        except templates.TemplateError:
            continue  # reported as such
        if template.names <= {"lang"} and (skill := template.render({"lang": language}, language)):
            yield written, skill, level


def _had(surroundings: Surroundings, needed: Skills) -> bool:
    """By one and the same agent."""
    return any(all(has.get(skill, 0) >= level for skill, level in needed.items()) for has in surroundings.agents)


def _nobody(surroundings: Surroundings, skill: str, level: int) -> str:
    best = max((has.get(skill, 0) for has in surroundings.agents), default=0)
    if best:
        return f"no agent has the skill `{skill}` at level {level}, {best} is the best"
    hint = close_to(skill, {name for has in surroundings.agents for name in has}).removeprefix("; ")
    return f"no agent has the skill `{skill}`" + (f" ({hint})" if hint else "")


# Sources of data


def _lookup(document: Document[Menus], at: Loc, node: Lookup, sources: Mapping[str, Source]) -> Iterator[Finding]:
    source = sources.get(node.lookup)
    if source is None:
        hint = close_to(node.lookup, sources) or f"; there are {_listed(sources)}"
        yield document.finding((*at, "lookup"), "IVR118", f"there is no source `{node.lookup}`{hint}")
        return
    for name in node.with_:
        if name not in source.arguments:
            hint = close_to(name, source.arguments) or f"; it takes {_listed(source.arguments)}"
            yield document.finding((*at, "with", name), "IVR118", f"`{node.lookup}` takes no `{name}`{hint}")
    for name in sorted(source.arguments - node.with_.keys()):
        message = f"`{node.lookup}` needs `{name}`; write it in `with`"
        yield document.finding((*at, "lookup"), "IVR118", message)


def _fields(document: Document[Menus], sources: Mapping[str, Source]) -> Iterator[Finding]:
    records = {"caller": CALLER_FIELDS, **_records(document.model, sources)}
    for loc, variable, field in _used(document.model):
        if variable in records and field not in records[variable]:
            hint = close_to(field, records[variable]) or f"; it has {_listed(records[variable])}"
            yield document.finding(loc, "IVR119", f"`{variable}` has no field `{field}`{hint}")


def _records(menus: Menus, sources: Mapping[str, Source]) -> Mapping[str, Set[str]]:
    """The variables that hold nothing but records of known sources, and the fields that they may have."""
    found: dict[str, Set[str]] = {}
    unknown = {name for _, choice in choices(menus) for name in choice.set}
    for node in menus.nodes.values():
        if isinstance(node, SetNode):
            unknown |= node.set.keys()
        elif isinstance(node, Lookup) and node.lookup in sources:
            found[node.into] = found.get(node.into, frozenset()) | sources[node.lookup].fields
        elif isinstance(into := getattr(node, "into", None), str):
            unknown.add(into)
    return {name: fields for name, fields in found.items() if name not in unknown}


def _used(menus: Menus) -> Iterator[tuple[Loc, str, str]]:
    """Every field that a text, an argument, an assignment or a condition names: (place, variable, field)."""
    for loc, written in filled(menus):
        try:
            paths = templates.parse(written).paths
        except templates.TemplateError:
            continue  # reported as such
        for path in paths:
            if len(path) > 1:
                yield loc, path[0], path[1]
    for name, node in menus.nodes.items():
        for index, branch in enumerate(branches(node)):
            for variable, field in _FIELD.findall(_TEXT.sub("''", branch.if_ or "")):
                yield ("nodes", name, "when", index, "if"), variable, field
