"""Contacts of the present and the past, and why they went where they went."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cti_bridge.http.models import In, Limit, Time
from cti_bridge.http.problems import not_found
from cti_bridge.http.route import Capability, Request, Route
from cti_bridge.masking import mask_caller, mask_phone
from switchroom.domain.history import ContactRecord
from switchroom.domain.ids import AgentId, ContactId
from switchroom.domain.user import Right
from switchroom.storage.contacts import Contacts as ContactStore
from switchroom.storage.event_log import EventLog, LoggedEvent
from switchroom.storage.recordings import Recordings

Explain = Callable[[ContactId], Awaitable[Sequence[Mapping[str, Any]]]]
"""The router's decisions about a contact with their reasons, oldest first."""


class ContactsQuery(In):
    """``before`` (an ``entered_at``) turns the page; ``live`` leaves out what is over."""

    agent_id: AgentId | None = None
    live: bool = False
    before: Time | None = None
    limit: Limit = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAnswer(ContactRecord):
    """A contact with the id under which its latest recording is played."""

    recording_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingAnswer:
    id: str
    agent_id: AgentId
    seconds: float
    left_rms: float
    right_rms: float
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactStory:
    """A contact, everything that happened to it, and its recordings."""

    contact: ContactAnswer
    events: Sequence[LoggedEvent]
    recordings: Sequence[RecordingAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The router's decisions about one contact, oldest first, each with candidates, exclusions and scores."""

    contact_id: ContactId
    decisions: Sequence[Mapping[str, Any]]


class Contacts(Capability):
    def __init__(self, store: ContactStore, log: EventLog, recordings: Recordings, explain: Explain) -> None:
        self._store, self._log, self._recordings, self._explain = store, log, recordings, explain

    async def contacts(self, request: Request) -> Sequence[ContactAnswer]:
        query: ContactsQuery = request.query
        agents = request.own
        if query.agent_id is not None:
            agents = frozenset({query.agent_id}) if request.sees(query.agent_id) else agents
        records = await self._store.latest(agents=agents, before=query.before, limit=query.limit, live=query.live)
        recordings = await self._store.recordings_of([record.contact_id for record in records])
        return [_answer(request, record, recordings.get(record.contact_id)) for record in records]

    async def contact(self, request: Request) -> ContactStory:
        record = await self._visible(request)
        recordings = await self._recordings.of_contact(record.contact_id)
        events = await self._log.of_contact(record.contact_id)
        return ContactStory(
            contact=_answer(request, record, recordings[-1].id if recordings else None),
            events=[_masked(request, event) for event in events],
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

    async def decision(self, request: Request) -> Decisions:
        record = await self._visible(request)
        found = await self._explain(record.contact_id)
        return Decisions(contact_id=record.contact_id, decisions=found)

    async def _visible(self, request: Request) -> ContactRecord:
        record = await self._store.get(ContactId(request.http.match_info["id"]))
        if record is None or not any(map(request.sees, record.agents or {None})):
            raise not_found("contact")
        return record

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/contacts",
            handle=contacts,
            needs=Right.READ,
            summary="The newest contacts; an agent sees their own, a leader the team's",
            query=ContactsQuery,
            answer=Sequence[ContactAnswer],
        ),
        Route(
            method="GET",
            path="/api/v1/contacts/{id}",
            handle=contact,
            needs=Right.READ,
            summary="One contact with everything that happened to it",
            answer=ContactStory,
        ),
        Route(
            method="GET",
            path="/api/v1/contacts/{id}/decision",
            handle=decision,
            needs=Right.READ,
            summary="Why this agent? The router's decisions with their reasons",
            answer=Decisions,
        ),
    )


def _answer(request: Request, record: ContactRecord, recording_id: str | None) -> ContactAnswer:
    values: dict[str, Any] = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    if not request.sees_numbers:
        values["caller"] = mask_phone(record.caller)
    return ContactAnswer(**values, recording_id=recording_id)


def _masked(request: Request, event: LoggedEvent) -> LoggedEvent:
    return event if request.sees_numbers else dataclasses.replace(event, data=mask_caller(event.data))
