"""A process that runs one speech engine: ``python -m ivr.speech.worker ENGINE OPTIONS``.

Engines hold the interpreter's lock, grow, and crash; here they do it alone. Messages on stdin and stdout are a
length (4 bytes, big endian), a JSON header, and as many bytes of audio as the header's ``audio_bytes`` says.
"""

import importlib
import json
import os
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

ENGINES: Mapping[str, str] = {
    "pyttsx3": "ivr.speech.pyttsx3_engine",
    "pocketsphinx": "ivr.speech.pocketsphinx_engine",
    "vosk": "ivr.speech.vosk_engine",
}
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Engine(Protocol):
    """What an engine module's ``open_engine(options)`` returns."""

    def handle(self, request: Mapping[str, Any], audio: bytes) -> tuple[dict[str, Any], bytes]:
        """Answer one request. An exception is answered as ``error`` and the process lives on."""


def write_message(stream: BinaryIO, header: Mapping[str, Any], audio: bytes) -> None:
    stream.write(pack_message(header, audio))
    stream.flush()


def pack_message(header: Mapping[str, Any], audio: bytes) -> bytes:
    encoded = json.dumps({**header, "audio_bytes": len(audio)}).encode()
    return struct.pack("!I", len(encoded)) + encoded + audio


def _read_message(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """None when the parent is gone."""
    prefix = stream.read(4)
    if len(prefix) < 4:
        return None
    header = json.loads(stream.read(struct.unpack("!I", prefix)[0]))
    return header, stream.read(header["audio_bytes"])


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def main() -> None:
    # Engines print: only messages may reach the parent through the pipe that was stdout.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    requests = sys.stdin.buffer
    module = importlib.import_module(ENGINES[sys.argv[1]])
    engine: Engine = module.open_engine(json.loads(sys.argv[2]))
    write_message(replies, {"ready": True}, b"")
    while (message := _read_message(requests)) is not None:
        request, audio = message
        try:
            reply, sound = engine.handle(request, audio)
        except Exception as error:
            reply, sound = {"error": f"{type(error).__name__}: {error}"}, b""
        write_message(replies, {**reply, "resident_bytes": _resident_bytes()}, sound)


if __name__ == "__main__":
    main()
