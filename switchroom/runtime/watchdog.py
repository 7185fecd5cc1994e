"""Kills a server that hangs: ``python -m switchroom.runtime.watchdog``, started by `switchroom.runtime.heartbeat`.

A process of its own, for one that is frozen, or whose interpreter is held by one endless match, cannot watch itself. It
imports nothing but the standard library: small, and nothing in it to hang.
"""

import contextlib
import os
import select
import signal
import sys
import time

STALLED_AFTER_S = 5
SHOW_STACK = signal.SIGUSR2
"""Sent before the kill: a server that still can writes down where each of its threads stands."""
STACK_IS_SHOWN_S = 0.5


def watch(beats: int, server: int) -> None:
    """Read ``beats``; kill the process ``server`` when none came for `STALLED_AFTER_S`. Returns when it has ended.

    Seconds are counted one by one: a machine that slept as a whole is no stalled server.
    """
    silent_s = 0
    while silent_s < STALLED_AFTER_S:
        readable, _, _ = select.select([beats], [], [], 1)
        if not readable:
            silent_s += 1
        elif os.read(beats, 4096):
            silent_s = 0
        else:
            return
    sys.stderr.write(f"switchroom: the event loop has stalled for {STALLED_AFTER_S} s; the server is killed\n")
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, SHOW_STACK)
        time.sleep(STACK_IS_SHOWN_S)
        os.kill(server, signal.SIGKILL)


if __name__ == "__main__":
    watch(sys.stdin.fileno(), os.getppid())
