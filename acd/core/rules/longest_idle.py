"""Among agents who fit equally well: the one who has been free for the longest time."""


def longest_idle(idle_since: float) -> float:
    """The place of an agent who is free since then: the smallest is chosen."""
    return idle_since
