"""Recordings: the audio of a talk."""

from http import HTTPStatus
from pathlib import Path

import structlog
from aiohttp import web

from cti_bridge.http.problems import Problem, not_found
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.user import Right
from switchroom.storage.recordings import Recordings as RecordingIndex

log = structlog.get_logger(__name__)


class Recordings(Capability):
    """``folder`` is where the audio lies."""

    def __init__(self, index: RecordingIndex, folder: Path) -> None:
        self._index, self._folder = index, folder

    async def recording(self, request: Request) -> web.StreamResponse:
        """The audio. The id leads to a path in SQL, the path must lie in the recordings folder, links included."""
        found = await self._index.get(request.http.match_info["id"])
        if found is None or not request.sees(found.agent_id):
            raise not_found("recording")
        folder = self._folder.resolve()
        path = (folder / found.path).resolve()
        if not path.is_relative_to(folder):
            log.error("recording.outside_folder", recording_id=found.id)
            raise not_found("recording")
        if not path.is_file():
            raise Problem(HTTPStatus.GONE, "the recording's file is not there any more")
        user = request.user.login
        log.info("audit.recording_read", user=user, recording_id=found.id, contact_id=found.contact_id)
        # FileResponse answers Range requests, so that a player can seek.
        headers = {"Content-Type": "audio/wav", "Cache-Control": "private, no-store"}
        return web.FileResponse(path, headers=headers)

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/recordings/{id}",
            handle=recording,
            needs=Right.READ,
            summary="A recording's audio, caller left, agent right; answers Range requests",
            media_type="audio/wav",
        ),
    )
