"""What a check of the doctor says."""

from collections.abc import Callable
from dataclasses import dataclass

from switchroom.runtime.settings import Settings

Check = Callable[[Settings], str]
"""Says what it found in a few words; raises `Missing`, or another expected error of a command."""


class Missing(Exception):
    """Something is not as it must be; the text says what, and the fix."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result."""

    name: str
    ok: bool
    detail: str
