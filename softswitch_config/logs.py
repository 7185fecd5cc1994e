"""Bounds the logs below the home, Asterisk's above all: nobody outside fills the disk with them.

A file that has grown too long is copied to ``<name>.1`` and emptied in place. Asterisk opens its logs for appending, so
it goes on writing at the new beginning and need not be asked, whether it runs here or in a container on the same home.
A line that it writes between the copy and the emptying is lost.
"""

import asyncio
import os
import shutil
from pathlib import Path

import structlog

from softswitch_config.render import Folders
from switchroom.runtime.settings import Settings

EVERY_S = 2.0

log = structlog.get_logger(__name__)


async def keep_logs_bounded(settings: Settings) -> None:
    """Look at the logs again and again, until cancelled."""
    while True:
        try:
            await asyncio.to_thread(bound_logs, settings)
        except OSError as error:
            log.warning("asterisk.logs_not_bounded", error=error.strerror)
        await asyncio.sleep(EVERY_S)


def bound_logs(settings: Settings) -> None:
    """Rotate each log that is over the limit, and keep no more old ones than the settings say."""
    limit_bytes, kept = settings.asterisk.log_limit_kb * 1024, settings.asterisk.logs_kept
    for path in (*Folders.of(settings).log.glob("*.log"), *settings.home.glob("*.log")):
        if path.stat().st_size > limit_bytes:
            _rotate(path, kept)


def _rotate(path: Path, kept: int) -> None:
    for number in range(kept, 1, -1):
        older, newer = path.with_name(f"{path.name}.{number}"), path.with_name(f"{path.name}.{number - 1}")
        if newer.exists():
            newer.replace(older)
    draft = path.with_name(f"{path.name}.part")
    shutil.copyfile(path, draft)
    os.truncate(path, 0)
    draft.replace(path.with_name(f"{path.name}.1"))
