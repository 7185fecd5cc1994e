"""What is known of a caller in a state: to texts and conditions, and to the agent."""

from collections.abc import Mapping
from typing import Any

from ivr.machine.state import State

MAX_SHOWN = 200
"""Characters of a value that the agent is shown."""


def values(state: State) -> Mapping[str, Any]:
    """What templates and conditions see."""
    caller = state.caller
    known = {
        "tier": caller.tier.value,
        "name": caller.name or "",
        "phone": caller.phone,
        "number": caller.number,
        "known": caller.customer_id is not None,
    }
    brand = {
        **caller.brand.arguments,
        "name": caller.brand.name,
        "title": caller.brand.title_in(state.language),
    }
    return {**state.values, "lang": state.language, "caller": known, "brand": brand}


def collected(state: State) -> Mapping[str, str]:
    """What the agent is shown: the plain, open values of all frames, and the language spoken."""
    shown = {
        name: value[:MAX_SHOWN]
        for frame in state.frames
        for name, value in frame.values.items()
        if isinstance(value, str) and name not in frame.secrets
    }
    return {**shown, "language": state.language}
