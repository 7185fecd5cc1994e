"""Contacts of the present and the past, why they went where they went, and their recordings."""

import dataclasses
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from cti_bridge.api.models import ContactAnswer, ContactsQuery, ContactStory, Decisions, RecordingAnswer
from cti_bridge.api.problems import Problem, not_found
from cti_bridge.api.route import Context, Route
from cti_bridge.pop import mask_caller, mask_phone
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import ContactId
from switchroom.storage.accounts import Role
from switchroom.storage.event_log import LoggedEvent

log = structlog.get_logger(__name__)


async def contacts(context: Context) -> Sequence[ContactAnswer]:
    query: ContactsQuery = context.query
    api = context.api
    agent_id = query.agent_id if context.supervises else context.user.agent_id
    if agent_id is None and not context.supervises:
        return []
    records = await api.history.latest(agent_id=agent_id, before=query.before, limit=query.limit, live=query.live)
    recordings = await api.history.recordings_of([record.contact_id for record in records])
    return [_answer(context, record, recordings.get(record.contact_id)) for record in records]


async def contact(context: Context) -> ContactStory:
    record = await _visible(context)
    recordings = await context.api.recordings.of_call(record.contact_id)
    events = await context.api.log.of_call(record.contact_id)
    return ContactStory(
        contact=_answer(context, record, recordings[-1].id if recordings else None),
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
    found = await context.api.explain(record.contact_id)
    return Decisions(contact_id=record.contact_id, decisions=found)


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
    log.info("audit.recording_read", user=context.user.login, recording_id=found.id, contact_id=found.contact_id)
    # FileResponse answers Range requests, so that a player can seek.
    headers = {"Content-Type": "audio/wav", "Cache-Control": "private, no-store"}
    return web.FileResponse(path, headers=headers)


async def _visible(context: Context) -> ContactRecord:
    record = await context.api.history.get(ContactId(context.http.match_info["id"]))
    if record is None or not context.sees(record.agent_id):
        raise not_found("contact")
    return record


def _answer(context: Context, record: ContactRecord, recording_id: str | None) -> ContactAnswer:
    values: dict[str, Any] = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    if not context.supervises:
        values["caller"] = mask_phone(record.caller)
    return ContactAnswer(**values, recording_id=recording_id)


def _masked(context: Context, event: LoggedEvent) -> LoggedEvent:
    return event if context.supervises else dataclasses.replace(event, data=mask_caller(event.data))


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/contacts",
        handle=contacts,
        least=Role.AGENT,
        summary="The newest contacts; an agent sees their own",
        query=ContactsQuery,
        answer=Sequence[ContactAnswer],
    ),
    Route(
        method="GET",
        path="/api/v1/contacts/{id}",
        handle=contact,
        least=Role.AGENT,
        summary="One contact with everything that happened to it",
        answer=ContactStory,
    ),
    Route(
        method="GET",
        path="/api/v1/contacts/{id}/decision",
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
