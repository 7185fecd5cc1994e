"""Hints in findings: what may have been meant, and what there is."""

import difflib
from collections.abc import Iterable


def close_to(wrong: str, known: Iterable[str]) -> str:
    """A hint at what may have been meant."""
    close = difflib.get_close_matches(wrong, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
