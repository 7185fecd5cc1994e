"""Speech engines in processes of their own: started, asked one thing at a time, restarted when they die or grow."""

import asyncio
import json
import struct
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from ivr.speech.port import SpeechFailed
from ivr.speech.worker import pack_message
from switchroom.runtime.background import BackgroundTasks

log = structlog.get_logger(__name__)

Answer = tuple[Mapping[str, Any], bytes]
"""A reply, and the audio that came with it."""

START_WITHIN_S = 60.0
RESTART_AFTER_S = (0.1, 1.0, 5.0, 30.0)
"""Pauses before a restart, longer from failure to failure; a good answer begins anew."""
MAX_GROWTH_BYTES = 512 * 1024 * 1024
"""Resident memory beyond that of the first answer; then the process is replaced (vosk-api issue 209)."""


class EngineProcess:
    """One engine. ``available`` is False from a failure until the new process is ready."""

    def __init__(self, engine: str, options: Mapping[str, Any] | None = None) -> None:
        self.engine = engine
        self._command = (sys.executable, "-m", "ivr.speech.worker", engine, json.dumps(dict(options or {})))
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._tasks = BackgroundTasks()
        self._failures = 0
        self._first_bytes = 0
        self.available = False
        self.waiting = 0
        """Requests in line, the one being answered included."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Returns when the engine is ready. Raises `SpeechFailed`; then it goes on trying by itself."""
        async with self._lock:
            try:
                await self._open()
            except SpeechFailed:
                self._restart()
                raise

    async def stop(self) -> None:
        self.available = False
        await self._tasks.close()
        await self._kill()

    async def ask(self, request: Mapping[str, Any], audio: bytes = b"", *, timeout_s: float) -> Answer:
        """One request and its answer; ``timeout_s`` includes waiting for one's turn. Raises `SpeechFailed`.

        Who stops waiting (a caller hung up) does not disturb the engine: the answer is taken from it all the same.
        """
        answering = self._tasks.spawn(self._answer(request, audio, timeout_s), name=f"speech.ask.{self.engine}")
        answer: Answer | SpeechFailed = await asyncio.shield(answering)
        if isinstance(answer, SpeechFailed):
            raise answer
        return answer

    async def _answer(self, request: Mapping[str, Any], audio: bytes, timeout_s: float) -> Answer | SpeechFailed:
        self.waiting += 1
        try:
            async with asyncio.timeout(timeout_s), self._lock:
                if not self.available:
                    return SpeechFailed(f"{self.engine} is not running")
                return await self._exchange(request, audio)
        except TimeoutError:
            return SpeechFailed(f"{self.engine} did not answer within {timeout_s} s")
        except SpeechFailed as error:
            return error
        finally:
            self.waiting -= 1

    async def _exchange(self, request: Mapping[str, Any], audio: bytes) -> Answer:
        assert self._process is not None and self._process.stdin is not None
        answered = False
        try:
            self._process.stdin.write(pack_message(request, audio))
            await self._process.stdin.drain()
            reply, sound = await self._read()
            answered = True
        except (OSError, EOFError, ValueError) as error:
            raise SpeechFailed(f"{self.engine} ended") from error
        finally:
            if not answered:  # dead, or its late answer would be taken for the next request's
                self._restart()
        if "error" in reply:
            raise SpeechFailed(str(reply["error"]))
        self._failures = 0
        self._first_bytes = self._first_bytes or reply["resident_bytes"]
        if reply["resident_bytes"] > self._first_bytes + MAX_GROWTH_BYTES:
            log.info("speech.engine_recycled", engine=self.engine, resident_bytes=reply["resident_bytes"])
            self._restart()
        return reply, sound

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(START_WITHIN_S):
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
                )
                await self._read()
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise SpeechFailed(f"{self.engine} did not start") from error
        self._first_bytes = 0
        self.available = True
        log.info("speech.engine_started", engine=self.engine, pid=self._process.pid)

    async def _read(self) -> tuple[dict[str, Any], bytes]:
        assert self._process is not None and self._process.stdout is not None
        stdout = self._process.stdout
        header = json.loads(await stdout.readexactly(struct.unpack("!I", await stdout.readexactly(4))[0]))
        return header, await stdout.readexactly(header["audio_bytes"])

    def _restart(self) -> None:
        self.available = False
        self._tasks.spawn(self._start_again(), name=f"speech.restart.{self.engine}")

    async def _start_again(self) -> None:
        pause_s = RESTART_AFTER_S[min(self._failures, len(RESTART_AFTER_S) - 1)]
        self._failures += 1
        await self._kill()
        await asyncio.sleep(pause_s)
        async with self._lock:
            try:
                await self._open()
            except SpeechFailed as error:
                log.warning("speech.engine_down", engine=self.engine, reason=str(error))
                self._restart()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
