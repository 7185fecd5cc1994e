"""Who may serve, and how well: by the levels of skills."""

from collections.abc import Mapping


def meets(required: Mapping[str, int], skills: Mapping[str, int]) -> bool:
    """Whether every required skill is there at the required level.

    >>> meets({"returns": 3}, {"returns": 5, "lang:zh": 9})
    True
    >>> meets({"returns": 3, "lang:en": 1}, {"returns": 5})
    False
    """
    for skill, level in required.items():  # noqa: SIM110  # half the time of all() with a generator
        if skills.get(skill, 0) < level:
            return False
    return True


def fitness(required: Mapping[str, int], skills: Mapping[str, int]) -> int:
    """How well an agent who meets the requirements fits: the sum of their levels in what is required.

    >>> fitness({"returns": 3}, {"returns": 5, "lang:zh": 9})
    5
    """
    return sum(skills[skill] for skill in required)


def together(first: Mapping[str, int], second: Mapping[str, int]) -> Mapping[str, int]:
    """What meets both; ``first`` itself where it does.

    >>> together({"returns": 3}, {"returns": 1, "lang:en": 5})
    {'returns': 3, 'lang:en': 5}
    """
    if meets(second, first):
        return first
    return {**first, **{skill: max(level, first.get(skill, 0)) for skill, level in second.items()}}
