"""How a recording's files are called: the raw one that the softswitch writes, and the finished one made of it."""

import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple

from switchroom.domain.ids import AgentId, ContactId

_NAME = re.compile(r"(.+)-([0-9]+)-([0-9]{1,10})")


class Talk(NamedTuple):
    """What a raw file's name tells: ``<contact>-<agent>-<epoch>.raw``."""

    contact_id: ContactId
    agent_id: AgentId
    began_at: datetime


def talk_of(raw: Path) -> Talk | None:
    """None for a file that the softswitch has not named."""
    if not (name := _NAME.fullmatch(raw.stem)):
        return None
    return Talk(ContactId(name[1]), AgentId(name[2]), datetime.fromtimestamp(int(name[3]), UTC))


def finished(talk: Talk, zone: tzinfo) -> Path:
    """The finished file's place below the recordings folder: a folder for each of the business's days."""
    began = talk.began_at.astimezone(zone)
    return Path(f"{began:%Y/%m/%d}") / f"{talk.contact_id}-{talk.agent_id}-{began:%H%M%S}.wav"
