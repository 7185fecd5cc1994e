"""How many calls fit on this machine: by file descriptors, by audio ports, by what the operator allows."""

import resource
from dataclasses import dataclass

from switchroom.runtime.settings import Settings

PER_CALL = 12
"""Descriptors of Asterisk 22 for one call: 10 in a menu, 11 with an agent and a recording (measured).

A second agent takes 6 more, and 2 ports; the dialplan counts that leg as a call, and calls it only if it fits.
"""
ASTERISK_NEEDS = 64
"""Descriptors of Asterisk without calls: 15, and room for what comes and goes."""
SERVER_NEEDS = 96
"""Descriptors of the server for files, database, Redis, AMI and speech engines."""
PORTS_PER_CALL = 4
"""RTP and RTCP for the caller, and for the agent."""
ENOUGH = 65_536
"""No more descriptors are asked for: some programs close every one that they might have."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """``calls`` fit at once; ``bound_by`` names the setting or limit to raise for more."""

    descriptors: int
    calls: int
    bound_by: str

    @property
    def connections(self) -> int:
        """Connections of browsers and programs that fit beside the calls."""
        return max(16, self.descriptors - self.calls - SERVER_NEEDS)


def descriptor_limit() -> int:
    """How many descriptors a process may have here, once it asks for them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)


def raise_descriptor_limit() -> int:
    """Let this process, and those that it starts, have `descriptor_limit` descriptors; returns how many."""
    limit = descriptor_limit()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def capacity(settings: Settings, descriptors: int) -> Capacity:
    """What fits into that many ``descriptors`` of one process.

    >>> capacity(Settings(), 1024)
    Capacity(descriptors=1024, calls=80, bound_by='the limit of open files (ulimit -n)')
    >>> capacity(Settings(), 65536).bound_by
    'sip.rtp_ports'
    """
    first, last = settings.sip.rtp_ports
    bounds = {
        "the limit of open files (ulimit -n)": (descriptors - ASTERISK_NEEDS) // PER_CALL,
        "sip.rtp_ports": (last - first + 1) // PORTS_PER_CALL,
    }
    if settings.sip.max_calls is not None:
        bounds["sip.max_calls"] = settings.sip.max_calls
    bound_by = min(bounds, key=lambda name: bounds[name])
    return Capacity(descriptors, max(1, bounds[bound_by]), bound_by)
