"""Defects of Asterisk that we know and that matter here, by the version that has them."""

from dataclasses import dataclass

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Defect:
    """``issue`` of asterisk/asterisk; in every version that we run on and that is older than ``fixed_in``."""

    issue: int
    fixed_in: Version | None
    """None: no fix is known."""
    means: str
    """What it is for us, and what we do about it."""


DEFECTS = (
    Defect(
        1979,
        (22, 11),
        "a media server that takes the connection and never answers holds the caller's channel for ever; our watchdog "
        "kills a server that hangs",
    ),
    Defect(
        2140,
        (22, 11),
        "a media server that stops reading blocks Asterisk itself; our watchdog kills a server that hangs",
    ),
    Defect(
        2038,
        (22, 11),
        "after the menu the caller's channel is refused functions that are called dangerous; the dialplan uses none",
    ),
    Defect(
        1779,
        (22, 11),
        "the recording of a 16 kHz talk is noise; every leg is kept on G.711",
    ),
    Defect(
        2115,
        (22, 11),
        "a moment without processor time makes the menu's audio late for good; keep the machine from being overloaded",
    ),
    Defect(
        1946,
        (22, 11),
        "RTP with ICE can lock up; ICE is off",
    ),
    Defect(
        2145,
        None,
        "an event may be kept back until the next one; we ping every 200 ms, which brings it",
    ),
)


def defects(version: Version) -> tuple[Defect, ...]:
    """Those that an Asterisk of this version has.

    >>> len(defects((22, 10))), [defect.issue for defect in defects((22, 11))]
    (7, [2145])
    """
    return tuple(defect for defect in DEFECTS if defect.fixed_in is None or version < defect.fixed_in)
