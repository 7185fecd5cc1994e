"""What is written on the caller's channel so that it outlives the server, and how it is read back. Pure.

The dialplan writes ``CONTACT_ID LEG NUMBER CALLER ENTERED_AT``, the server ``QUEUE ENQUEUED_AT TIER TIER_FIXED SKILLS
COLLECTED`` (and the dialplan too, when it falls back). Values must get through AMI: one line, no control characters,
and with its header at most 1,024 bytes (Asterisk's ``manager.c``).
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from switchroom.domain.contact import CustomerTier, Requirements, Talk, Waiting
from switchroom.domain.ids import AgentId, OfferId, QueueName

MAX_VALUE_BYTES = 1000
"""Leaves room for the name of the header in AMI's 1,024 bytes a line."""

_SHORT = 16  # characters: a collected value this short is not shortened further, but left out

_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|^\s|\s$")


def is_fit(value: str) -> bool:
    """Whether AMI carries ``value`` unchanged."""
    return not _UNFIT.search(value) and len(value.encode()) <= MAX_VALUE_BYTES


def encode(waiting: Waiting, collected: Mapping[str, str] | None) -> dict[str, str]:
    """The variables that keep a place in line. What was ``collected``, if it is given, is shortened until it fits.

    Raises ValueError when the requirements themselves are too long or hold control characters.
    """
    requirements = waiting.requirements
    variables = {
        "QUEUE": requirements.queue,
        "ENQUEUED_AT": waiting.enqueued_at.astimezone(UTC).isoformat(),
        "TIER": requirements.tier.value,
        "TIER_FIXED": "yes" if requirements.tier_is_fixed else "",
        "SKILLS": _json(dict(requirements.skills)),
    }
    if collected is not None:
        variables["COLLECTED"] = _fitted(collected)
    for name, value in variables.items():
        if not is_fit(value):
            raise ValueError(
                f"{name} does not fit on a channel: at most {MAX_VALUE_BYTES} bytes, no control characters"
            )
    return variables


def decode_waiting(variables: Mapping[str, str]) -> Waiting | None:
    """The place in line that is written on a channel; None when none is, or it cannot be read."""
    queue, enqueued_at = variables.get("QUEUE"), decode_time(variables.get("ENQUEUED_AT", ""))
    if not queue or enqueued_at is None:
        return None
    try:
        skills = {str(skill): int(level) for skill, level in json.loads(variables.get("SKILLS") or "{}").items()}
        tier = CustomerTier(variables.get("TIER") or CustomerTier.STANDARD)
    except (ValueError, AttributeError, TypeError, OverflowError):
        return None
    fixed = variables.get("TIER_FIXED") == "yes"
    return Waiting(Requirements(QueueName(queue), skills, tier, fixed), enqueued_at)


def decode_collected(variables: Mapping[str, str]) -> dict[str, str]:
    """What the menu learned, as far as it is written on the channel."""
    try:
        collected = json.loads(variables.get("COLLECTED") or "{}")
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in collected.items()} if isinstance(collected, dict) else {}


def decode_time(text: str) -> datetime | None:
    """An RFC 3339 time, in UTC.

    >>> decode_time("2026-11-23T17:03:00.250+00:00")
    datetime.datetime(2026, 11, 23, 17, 3, 0, 250000, tzinfo=datetime.timezone.utc)
    """
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def decode_talks(text: str) -> tuple[Talk, ...]:
    """The talks that are over, ``<offer>/<agent>/<answered at>/<ended at>&…``; ValueError if it is something else.

    >>> [talk.agent_id for talk in decode_talks("o1/1001/2026-01-05T09:00:00+00:00/2026-01-05T09:01:00+00:00&")]
    ['1001']
    """
    return tuple(_talk(talk) for talk in text.split("&") if talk)


def _talk(text: str) -> Talk:
    offer_id, agent_id, answered, ended = text.split("/")
    ended_at = decode_time(ended)
    if ended_at is None:
        raise ValueError(text)
    # Without an answer when the caller hung up in its very moment.
    began_at = decode_time(answered) or ended_at
    return Talk(offer_id=OfferId(offer_id), agent_id=AgentId(agent_id), began_at=began_at, ended_at=ended_at)


def _fitted(collected: Mapping[str, str]) -> str:
    """JSON of ``collected``: the longest values are cut (with …) before anything is left out, the last first."""
    kept = dict(collected)
    while not is_fit(text := _json(kept)):
        longest = max(kept, key=lambda name: len(kept[name]))
        if len(kept[longest]) > _SHORT:
            kept[longest] = kept[longest][: len(kept[longest]) // 2] + "…"
        else:
            kept.popitem()
    return text


def _json(value: Mapping[str, object]) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # JSON leaves DEL and half surrogates as they are; AMI takes neither.
    return re.sub(r"[\x7f\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)
