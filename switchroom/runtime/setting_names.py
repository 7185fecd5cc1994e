"""Finds settings that do not exist: a misspelt one would be ignored without a word."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel

PREFIX = "SWITCHROOM_"
NO_SETTINGS = frozenset({"SWITCHROOM_CONFIG", "SWITCHROOM_TEST_DATA"})
"""Variables of ours that say where something is: the file of settings, the data that tests read."""

Path = tuple[str, ...]


def unknown_variables(model: type[BaseModel], environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each environment variable of ours that names no setting."""
    for name in sorted(environment):
        path = tuple(name.upper().removeprefix(PREFIX).lower().split("__"))
        if name.upper().startswith(PREFIX) and name not in NO_SETTINGS and not _exists(model, path):
            yield f"there is no setting {name}{_hint(model, path, variable)}"


def unknown_names(model: type[BaseModel], given: Mapping[str, Any], file: object) -> Iterator[str]:
    """The same for what was read from a file of settings."""
    for path in _given(model, given):
        if not _exists(model, path):
            yield f"{file}: there is no setting `{'.'.join(path)}`{_hint(model, path, '.'.join)}"


def variable(path: Path) -> str:
    """A setting's name in the environment.

    >>> variable(("http", "port"))
    'SWITCHROOM_HTTP__PORT'
    """
    return PREFIX + "__".join(path).upper()


def _hint(model: type[BaseModel], path: Path, shown: Any) -> str:
    known = {".".join(known): known for known in _all(model)}
    close = difflib.get_close_matches(".".join(path), known, n=1)
    return f"; did you mean {shown(known[close[0]])}?" if close else ""


def _exists(model: Any, path: Path) -> bool:
    for at, part in enumerate(path):
        if not _is_section(model):
            return get_origin(model) is Mapping and at > 0  # the keys of a mapping are the operator's
        if part not in model.model_fields:
            return False
        model = model.model_fields[part].annotation
    return True


def _all(model: type[BaseModel], before: Path = ()) -> Iterator[Path]:
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        if _is_section(kind):
            yield from _all(kind, (*before, name))
        else:
            yield (*before, name)


def _given(model: Any, given: Mapping[str, Any], before: Path = ()) -> Iterator[Path]:
    for key, value in given.items():
        name = str(key)
        field = model.model_fields.get(name) if _is_section(model) else None
        inner = field.annotation if field else None
        if isinstance(value, Mapping) and value and (field is None or _is_section(inner)):
            yield from _given(inner, value, (*before, name))
        else:
            yield (*before, name)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
