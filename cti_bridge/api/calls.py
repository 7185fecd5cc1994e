"""Calls of the present and the past, why they went where they went, and their recordings."""

import dataclasses
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from cti_bridge.api.models import CallAnswer, CallsQuery, CallStory, Decisions, RecordingAnswer
from cti_bridge.api.problems import Problem, not_found
from cti_bridge.api.route import Context, Route
from cti_bridge.pop import mask_caller, mask_phone
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import CallId
from switchroom.storage.accounts import Role
from switchroom.storage.event_log import LoggedEvent

log = structlog.get_logger(__name__)


async def calls(context: Context) -> Sequence[CallAnswer]:
    query: CallsQuery = context.query
    api = context.api
    agent_id = query.agent_id if context.supervises else context.user.agent_id
    if agent_id is None and not context.supervises:
        return []
    records = await api.history.latest(agent_id=agent_id, before=query.before, limit=query.limit, live=query.live)
    recordings = await api.history.recordings_of([record.call_id for record in records])
    return [_answer(context, record, recordings.get(record.call_id)) for record in records]


async def call(context: Context) -> CallStory:
    record = await _visible(context)
    recordings = await context.api.recordings.of_call(record.call_id)
    events = await context.api.log.of_call(record.call_id)
    return CallStory(
        call=_answer(context, record, recordings[-1].id if recordings else None),
        events=[_masked(context, event) for event in events],
        recordings=[
            RecordingAnswer(
                id=found.id,
                agent_id=found.agent_id,
                seconds=found.seconds,
                left_rms=found.left_rms,
                right_rms=found.right_rms,
                created_at=found.created_at,
            )
            for found in recordings
        ],
    )


async def decision(context: Context) -> Decisions:
    record = await _visible(context)
    found = await context.api.log.decisions(record.call_id)
    return Decisions(call_id=record.call_id, decisions=found)


async def recording(context: Context) -> web.StreamResponse:
    """The audio. The id leads to a path in SQL, the path must lie in the recordings folder, links included."""
    found = await context.api.recordings.get(context.http.match_info["id"])
    if found is None or not context.sees(found.agent_id):
        raise not_found("recording")
    folder = context.api.recordings_folder.resolve()
    path = (folder / found.path).resolve()
    if not path.is_relative_to(folder):
        log.error("recording.outside_folder", recording_id=found.id)
        raise not_found("recording")
    if not path.is_file():
        raise Problem(HTTPStatus.GONE, "the recording's file is not there any more")
    log.info("audit.recording_read", user=context.user.login, recording_id=found.id, call_id=found.call_id)
    # FileResponse answers Range requests, so that a player can seek.
    headers = {"Content-Type": "audio/wav", "Cache-Control": "private, no-store"}
    return web.FileResponse(path, headers=headers)


async def _visible(context: Context) -> ContactRecord:
    record = await context.api.history.get(CallId(context.http.match_info["id"]))
    if record is None or not context.sees(record.agent_id):
        raise not_found("call")
    return record


def _answer(context: Context, record: ContactRecord, recording_id: str | None) -> CallAnswer:
    values: dict[str, Any] = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    if not context.supervises:
        values["caller"] = mask_phone(record.caller)
    return CallAnswer(**values, recording_id=recording_id)


def _masked(context: Context, event: LoggedEvent) -> LoggedEvent:
    return event if context.supervises else dataclasses.replace(event, data=mask_caller(event.data))


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/calls",
        handle=calls,
        least=Role.AGENT,
        summary="The newest calls; an agent sees their own",
        query=CallsQuery,
        answer=Sequence[CallAnswer],
    ),
    Route(
        method="GET",
        path="/api/v1/calls/{id}",
        handle=call,
        least=Role.AGENT,
        summary="One call with everything that happened to it",
        answer=CallStory,
    ),
    Route(
        method="GET",
        path="/api/v1/calls/{id}/decision",
        handle=decision,
        least=Role.AGENT,
        summary="Why this agent? The router's decisions with their reasons",
        answer=Decisions,
    ),
    Route(
        method="GET",
        path="/api/v1/recordings/{id}",
        handle=recording,
        least=Role.AGENT,
        summary="A recording's audio, caller left, agent right; answers Range requests",
        media_type="audio/wav",
    ),
)
