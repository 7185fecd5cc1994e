"""Text with holes: ``订单{order.status_zh}，预计{order.eta|date}送达。``

A hole names a value and, after bars, the filters that say how it is spoken. ``{{`` and ``}}`` are braces.
A value that is not there is said as nothing: a caller must never hear an error because a record lacks a field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ivr.language.spoken import FILTERS

_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_INSIDE = re.compile(r"\s*([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\s*((?:\|\s*[a-z]+\s*)*)")


class TemplateError(ValueError):
    """The text cannot be read as a template; the message says why."""


@dataclass(frozen=True, slots=True)
class Hole:
    path: tuple[str, ...]
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text."""

    parts: tuple[str | Hole, ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables that it needs."""
        return frozenset(part.path[0] for part in self.parts if isinstance(part, Hole))

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """The values that it needs, each as the names that lead to it."""
        return frozenset(part.path for part in self.parts if isinstance(part, Hole))

    @property
    def static(self) -> bool:
        """It always says the same."""
        return all(isinstance(part, str) for part in self.parts)

    def render(self, values: Mapping[str, Any], language: str) -> str:
        return "".join(part if isinstance(part, str) else _fill(part, values, language) for part in self.parts)


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Raises `TemplateError`.

    >>> parse("{order.eta|date}送达").render({"order": {"eta": "2026-11-25"}}, "zh-CN")
    '11月25日送达'
    """
    parts: list[str | Hole] = []
    end = 0
    for match in _HOLE.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(match[0][0])
        elif match[1] is None:
            raise TemplateError(f"a lone `{match[0]}`; a brace that is meant is written twice")
        else:
            parts.append(_hole(match[1]))
    parts.append(text[end:])
    return Template(tuple(part for part in parts if part))


def _hole(inside: str) -> Hole:
    match = _INSIDE.fullmatch(inside)
    if match is None:
        raise TemplateError(f"`{{{inside}}}` is not a name with filters, as `{{order.eta|date}}`")
    filters = tuple(part.strip() for part in match[2].split("|")[1:])
    for name in filters:
        if name not in FILTERS:
            raise TemplateError(f"no filter `{name}`; there are {', '.join(FILTERS)}")
    return Hole(tuple(match[1].split(".")), filters)


def _fill(hole: Hole, values: Mapping[str, Any], language: str) -> str:
    value: Any = values
    for name in hole.path:
        value = value.get(name) if isinstance(value, Mapping) else None
    text = _plain(value)
    for name in hole.filters:
        text = FILTERS[name](text, language)
    return text


def _plain(value: Any) -> str:
    if value is None or isinstance(value, Mapping | list):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
