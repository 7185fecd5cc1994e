"""Lengths of time as supervisors write them: ``90s``, ``5m``, ``1h30m``, ``500ms``."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

PATTERN = r"^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$"
_PARTS = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")


def parse(text: Any) -> Any:
    """A timedelta from its text.

    >>> parse("1h30m"), parse("500ms")
    (datetime.timedelta(seconds=5400), datetime.timedelta(microseconds=500000))
    """
    if not isinstance(text, str):
        if isinstance(text, timedelta):
            return text
        raise ValueError("write a length of time with its unit, as `30s`")
    found = _PARTS.fullmatch(text)
    if found is None or not text:
        raise ValueError(f"`{text}` is no length of time; write it as `30s`, `5m`, `1h30m` or `500ms`")
    hours, minutes, seconds, millis = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis)


Duration = Annotated[timedelta, BeforeValidator(parse), WithJsonSchema({"type": "string", "pattern": PATTERN})]
"""A pydantic field for a length of time."""
