"""Where a contact goes that nobody on duty may serve, after its queue's limit: to the fallback queue."""

from collections.abc import Mapping
from dataclasses import replace

from switchroom.domain.contact import Requirements
from switchroom.domain.ids import QueueName


def overflow(needs: Requirements, fallback: QueueName, skills: Mapping[str, int]) -> Requirements | None:
    """What is required in the fallback queue, which requires ``skills`` alone; None for a contact that is there.

    >>> there = overflow(Requirements(QueueName("returns"), {"lang:yue": 1}), QueueName("general"), {"general": 1})
    >>> there.queue, there.skills
    ('general', {'general': 1})
    """
    if needs.queue == fallback and needs.skills == skills:
        return None
    return replace(needs, queue=fallback, skills=skills)
