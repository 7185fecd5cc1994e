"""What comes from outside, made harmless for the eye: numbers masked, characters that act taken out. Pure."""

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 500
"""Characters of one outside text that are shown."""

# C0 and C1 controls but newline; marks and overrides of text direction (Unicode 15, 23.2).
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def mask_phone(phone: str) -> str:
    """The number with its middle hidden: enough to recognise, too little to call.

    >>> mask_phone("+8613800138000"), mask_phone("13800138000"), mask_phone("95588"), mask_phone("")
    ('138****8000', '138****8000', '***88', '')
    """
    digits = phone.removeprefix("+86") if phone.startswith("+86") else phone
    if len(digits) < 8:
        return "*" * max(0, len(digits) - 2) + digits[-2:]
    return f"{digits[:3]}****{digits[-4:]}"


def mask_caller(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event's data as agents see it: with the caller's number masked, if it has one."""
    return {**data, "caller": mask_phone(data["caller"])} if "caller" in data else data


def inert(text: str) -> str:
    """Outside text without characters that act instead of being read.

    >>> inert("Anna\\u202e\\x07 <b>")
    'Anna <b>'
    """
    return _UNSEEN.sub("", text)[:LONGEST]
