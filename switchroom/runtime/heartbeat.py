"""A server that hangs lets go of its callers: it beats for a watchdog, which kills it when the beats stay away.

Asterisk has no deadline of its own for a menu that falls silent: its callers would sit on a dead line, and new ones
with them (docs/softswitch.md). A killed server is noticed at once, and the dialplan takes them.
"""

import asyncio
import contextlib
import faulthandler
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import structlog

from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.watchdog import SHOW_STACK

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 0.5


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """While this runs, the process is killed once its event loop does not turn (`switchroom.runtime.watchdog`)."""
    if os.getpid() == 1:  # pid_namespaces(7): nobody inside a container can kill its first process
        log.error("heartbeat.needs_an_init", hint="run the container with an init process (`init: true`, `--init`)")
    faulthandler.register(SHOW_STACK, all_threads=True)
    watchdog = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "switchroom.runtime.watchdog",
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the server; the watchdog ends with it
    )
    assert watchdog.stdin is not None
    tasks = BackgroundTasks()
    tasks.spawn(_beat(watchdog, watchdog.stdin), name="heartbeat")
    try:
        yield
    finally:
        await tasks.close()
        watchdog.stdin.close()
        await watchdog.wait()
        faulthandler.unregister(SHOW_STACK)


async def _beat(watchdog: asyncio.subprocess.Process, beats: asyncio.StreamWriter) -> None:
    while watchdog.returncode is None:
        beats.write(b".")
        await asyncio.sleep(BEAT_EVERY_S)
    log.error("heartbeat.watchdog_gone", exit_code=watchdog.returncode)  # no reason to end calls
