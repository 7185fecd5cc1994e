"""YAML that supervisors edit: loaded safely, with every complaint at its line and column.

YAML 1.2, read more narrowly than the standard allows: no aliases, anchors or tags (a 342-byte alias bomb
passes an ordinary safe loader), no duplicate keys, every key is text, bounded size and depth. A plain scalar
is a number, truth value or null only where nobody can mean anything else: ``012``, ``12:30``, ``2027-02-06``,
``on`` and ``no`` stay the text that was written.

`load` turns a file into a pydantic model and keeps the positions, so that later checks can point as well.
"""

import difflib
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40

M = TypeVar("M", bound=BaseModel)
Loc = tuple[str | int, ...]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to mend. ``line`` and ``col`` count from 1.

    >>> str(Finding("shop.yaml", 3, 7, "YAML104", "unknown key `goot`"))
    'shop.yaml:3:7 YAML104 unknown key `goot`'
    """

    file: str
    line: int
    col: int
    code: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col} {self.code} {self.message}"


class YamlError(Exception):
    """The file cannot be used; ``findings`` say why, and where."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))


@dataclass(frozen=True, slots=True)
class Document(Generic[M]):
    """A model, with the place of each of its parts in the file."""

    model: M
    file: str
    positions: Mapping[Loc, tuple[int, int]]

    def position(self, *loc: str | int) -> tuple[int, int]:
        """Line and column (from 1) of a key or list item; of its nearest parent when it was not written."""
        return _nearest(self.positions, loc)

    def finding(self, loc: Loc, code: str, message: str, severity: Severity = "error") -> Finding:
        """A finding at ``loc`` in this file."""
        line, col = self.position(*loc)
        return Finding(self.file, line, col, code, message, severity)


def load(path: Path, model: type[M]) -> Document[M]:
    """Read ``path`` as a ``model``. Raises `YamlError` with everything that is wrong."""
    return parse(read(path), str(path), model)


def read(path: Path) -> str:
    """The text of a file; a little more than is allowed where it is too long. Raises `YamlError`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise YamlError([Finding(str(path), 1, 1, "YAML001", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise YamlError([Finding(str(path), line, 1, "YAML001", "is not UTF-8")]) from error


def parse(text: str, file: str, model: type[M]) -> Document[M]:
    """As `load`, for text that is not (yet) in a file; ``file`` is its name in findings."""
    data, positions = _Reader(file).read(text)
    try:
        return Document(model.model_validate(data), file, positions)
    except ValidationError as error:
        raise YamlError(sorted(_explain(detail, file, positions, model) for detail in error.errors())) from error


class _Reader:
    """Text to plain data, keeping positions."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._positions: dict[Loc, tuple[int, int]] = {}
        self._findings: list[Finding] = []

    def read(self, text: str) -> tuple[Any, dict[Loc, tuple[int, int]]]:
        if len(text.encode()) > MAX_BYTES:
            raise YamlError([Finding(self._file, 1, 1, "YAML002", f"is larger than {MAX_BYTES // 1024} KiB")])
        try:
            self._refuse_tricks(text)
            root = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, col = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise YamlError([Finding(self._file, line, col, "YAML003", str(error.problem))]) from error
        except (YAMLError, ValueError) as error:  # ValueError: an escape outside Unicode
            raise YamlError([Finding(self._file, 1, 1, "YAML003", str(error).splitlines()[0])]) from error
        if root is None:
            raise YamlError([Finding(self._file, 1, 1, "YAML004", "is empty")])
        data = self._build(root, ())
        if self._findings:
            raise YamlError(sorted(self._findings))
        return data, self._positions

    def _refuse_tricks(self, text: str) -> None:
        """Before composing, which would follow aliases and recurse as deep as the text says."""
        depth = 0
        for event in YAML(typ="safe", pure=True).parse(text):
            mark = event.start_mark
            if isinstance(event, AliasEvent):
                raise self._error(mark, "YAML005", 'aliases (`*name`) are not used here; a star key is written "*"')
            if isinstance(event, NodeEvent) and event.anchor is not None:
                raise self._error(mark, "YAML005", "anchors (`&name`) are not used here")
            if isinstance(event, NodeEvent) and getattr(event, "tag", None) is not None:
                raise self._error(mark, "YAML005", "tags (`!name`) are not used here")
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise self._error(mark, "YAML006", f"is nested deeper than {MAX_DEPTH} levels")
            elif isinstance(event, CollectionEndEvent):
                depth -= 1

    def _error(self, mark: StringMark, code: str, message: str) -> YamlError:
        return YamlError([Finding(self._file, mark.line + 1, mark.column + 1, code, message)])

    def _build(self, node: Node, loc: Loc) -> Any:
        mark = node.start_mark
        self._positions.setdefault(loc, (mark.line + 1, mark.column + 1))
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, loc)
        return [self._build(item, (*loc, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            key = _scalar(key_node) if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str):
                written = key_node.value if isinstance(key_node, ScalarNode) else "?"
                self._complain(mark, "YAML007", f'a key is text: write it in quotes, as "{written}"')
            elif key in built:
                self._complain(mark, "YAML008", f"`{key}` is written twice")
            else:
                self._positions[(*loc, key)] = (mark.line + 1, mark.column + 1)
                built[key] = self._build(value_node, (*loc, key))
        return built

    def _complain(self, mark: StringMark, code: str, message: str) -> None:
        self._findings.append(Finding(self._file, mark.line + 1, mark.column + 1, code, message))


_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def _scalar(node: ScalarNode) -> str | int | float | bool | None:
    text: str = node.value
    if node.style is not None:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _nearest(positions: Mapping[Loc, tuple[int, int]], loc: Loc) -> tuple[int, int]:
    """Pydantic's locations also name union tags and the like, which the file does not have: step over them.

    A tag may look like a key (``say`` in ``nodes → n → say → goot``), so all ways are followed; the longest
    that ends last wins.
    """
    paths: list[Loc] = [()]
    for item in loc:
        paths += [(*path, item) for path in paths if (*path, item) in positions]
    return positions[max(reversed(paths), key=len)]


def _explain(detail: ErrorDetails, file: str, positions: Mapping[Loc, tuple[int, int]], model: type[M]) -> Finding:
    loc = detail["loc"]
    line, col = _nearest(positions, loc)
    last = _label(loc)
    match detail["type"]:
        case "extra_forbidden":
            code, message = "YAML104", f"unknown key `{last}`" + _did_you_mean(last, _known_keys(model, loc[:-1]))
        case "missing":
            code, message = "YAML105", f"`{last}` is missing"
        case "string_type" if isinstance(detail["input"], int | float):
            code, message = "YAML106", f'`{last}` is text: write it in quotes, as "{detail["input"]}"'
        case _:
            code, message = "YAML107", (f"`{last}`: " if last else "") + detail["msg"].removeprefix("Value error, ")
    return Finding(file, line, col, code, message)


def _label(loc: Loc) -> str:
    match loc:
        case (*_, parent, int(index)):
            return f"{parent}[{index}]"
        case (*_, last):
            return str(last)
        case _:
            return ""


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def _known_keys(model: type[BaseModel], loc: Loc) -> set[str]:
    """The keys that the model at ``loc`` has, following pydantic's union tags."""
    here: list[tuple[str | None, type[BaseModel]]] = [(None, model)]
    for item in loc:
        if tagged := [entry for entry in here if entry[0] == item]:
            here = tagged
        elif fields := [f for _, m in here for n, f in m.model_fields.items() if item in (n, f.alias)]:
            here = [entry for field in fields for entry in _models(field.annotation, None)]
    return {field.alias or name for _, m in here for name, field in m.model_fields.items()}


def _models(annotation: Any, tag: str | None) -> Iterator[tuple[str | None, type[BaseModel]]]:
    """The models that an annotation speaks of, each with its union tag if it has one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield tag, annotation
        return
    args = typing.get_args(annotation)
    tags = [arg.tag for arg in args if isinstance(arg, Tag)]
    for arg in args:
        yield from _models(arg, tags[0] if tags else tag)
