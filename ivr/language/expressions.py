"""Conditions in CEL, Google's Common Expression Language: no loops, no sandbox to escape. https://cel.dev"""

import re
from collections.abc import Mapping
from typing import Any

import cel


class ExpressionError(ValueError):
    """The condition cannot be read; ``column`` (from 1) is where."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class WrongType(Exception):
    """The condition compares or combines values of types that do not go together."""


class Expression:
    """A compiled condition.

    >>> Expression("order.total > 1000 || caller.tier == 'gold'").holds({"order": {"total": 20.0}, "caller": {}})
    False
    """

    def __init__(self, source: str) -> None:
        try:
            self._program = cel.compile(source)
        except ValueError as error:
            place = re.search(r"<input>:1:(\d+): (?:Syntax error: )?(.*)", str(error))
            column, reason = (int(place[1]), place[2]) if place else (1, str(error))
            raise ExpressionError(reason.split(" expecting ")[0], column) from error
        self.names = frozenset(self._program.variables())

    def holds(self, values: Mapping[str, Any]) -> bool:
        """False as well where a value is missing. Raises `WrongType`, without the values: they may be personal."""
        try:
            return self._program.execute(dict(values)) is True
        except TypeError:
            raise WrongType from None
        except (LookupError, RuntimeError, ValueError):
            return False
