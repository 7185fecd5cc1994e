"""The contacts table: one row a contact, as `switchroom.domain.history` folds it from the events."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.contact import CustomerTier, Outcome, QueueVisit, Talk
from switchroom.domain.events import ContactAdopted, ContactEntered, ContactEvent, InputKind
from switchroom.domain.history import BEGINNINGS, ContactRecord, TakenInput, fold
from switchroom.domain.ids import AgentId, ChannelName, ContactId, CustomerId
from switchroom.storage.database import Database, batched
from switchroom.storage.tables import contact_agents, contacts, recordings

_VISIT, _TALK = TypeAdapter(QueueVisit), TypeAdapter(Talk)


def to_row(record: ContactRecord, server: str) -> dict[str, Any]:
    """``server`` is the contact's owner."""
    row: dict[str, Any] = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    row["path"] = list(record.path)
    row["inputs"] = [dataclasses.asdict(taken) for taken in record.inputs]
    row["visits"] = [_VISIT.dump_python(visit, mode="json") for visit in record.visits]
    row["talks"] = [_TALK.dump_python(talk, mode="json") for talk in record.talks]
    row["collected"], row["skills"] = dict(record.collected), dict(record.skills)
    row["server"] = server
    return row


def from_row(row: Row[Any]) -> ContactRecord:
    values = dict(row._mapping)
    del values["server"]
    values["tier"] = CustomerTier(values["tier"])
    values["outcome"] = Outcome(values["outcome"]) if values["outcome"] else None
    values["visits"] = tuple(_VISIT.validate_python(visit) for visit in values["visits"])
    values["talks"] = tuple(_TALK.validate_python(talk) for talk in values["talks"])
    values["path"] = tuple(values["path"])
    values["inputs"] = tuple(
        TakenInput(node=i["node"], kind=InputKind(i["kind"]), value=i["value"]) for i in values["inputs"]
    )
    return ContactRecord(**values)


@dataclass(frozen=True, slots=True)
class Owned:
    """A contact with its owner: the server that holds its call, and alone knows when it is over."""

    record: ContactRecord
    server: str


def after(known: Owned | None, event: ContactEvent, server: str) -> Owned | None:
    """The contact after ``event`` of ``server``; None for an unknown one that does not begin with it.

    It belongs to the server where it entered, until another adopts it; others may write of it too, as the one that
    routes for all.
    """
    if known is None and not isinstance(event, BEGINNINGS):
        return None
    record = fold(known.record if known else None, event)
    if known is None or isinstance(event, ContactEntered | ContactAdopted):
        return Owned(record, server)
    return Owned(record, known.server)


async def load(connection: AsyncConnection, contact_ids: Collection[ContactId]) -> dict[ContactId, Owned]:
    found: dict[ContactId, Owned] = {}
    for some in batched(contact_ids):
        rows = await connection.execute(select(contacts).where(contacts.c.contact_id.in_(some)))
        found |= {row.contact_id: Owned(from_row(row), row.server) for row in rows}
    return found


def open_of(server: str, channel: ChannelName) -> Select[Any]:
    is_open = (contacts.c.outcome.is_(None)) & (contacts.c.server == server)
    return select(contacts.c.contact_id).where(is_open, contacts.c.channel == channel)


def latest(
    *,
    agents: Collection[AgentId] | None = None,
    customer_id: CustomerId | None = None,
    before: datetime | None = None,
    live: bool = False,
) -> Select[Any]:
    served = contact_agents.c
    query = select(contacts)
    if agents is None:
        query = query.order_by(contacts.c.entered_at.desc())
    elif len(agents) == 1:
        mine = query.join(contact_agents, served.contact_id == contacts.c.contact_id)
        query = mine.where(served.agent_id == next(iter(agents))).order_by(served.entered_at.desc())
    else:
        theirs = select(served.contact_id).where(served.agent_id.in_(agents))
        query = query.where(contacts.c.contact_id.in_(theirs)).order_by(contacts.c.entered_at.desc())
    if customer_id is not None:
        query = query.where(contacts.c.customer_id == customer_id)
    if before is not None:
        query = query.where(contacts.c.entered_at < before)
    return query.where(contacts.c.outcome.is_(None)) if live else query


class Contacts:
    """Reads the calls of the past and the present. They are written by the `Ledger` alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, contact_id: ContactId) -> ContactRecord | None:
        found = await self._select(select(contacts).where(contacts.c.contact_id == contact_id))
        return found[0] if found else None

    async def of(self, contact_ids: Collection[ContactId]) -> Mapping[ContactId, ContactRecord]:
        """Those of the contacts that are known."""
        async with self._database.read() as connection:
            return {contact_id: found.record for contact_id, found in (await load(connection, contact_ids)).items()}

    async def open(self, server: str, channel: ChannelName, *, but: Collection[ContactId]) -> Sequence[ContactRecord]:
        """The server's contacts without an outcome, ``but`` for those: of ten thousand only the ids are read."""
        async with self._database.read() as connection:
            ids: set[ContactId] = set(await connection.scalars(open_of(server, channel)))
            return [found.record for found in (await load(connection, ids - set(but))).values()]

    async def latest(
        self,
        *,
        agents: Collection[AgentId] | None = None,
        customer_id: CustomerId | None = None,
        before: datetime | None = None,
        live: bool = False,
        limit: int = 50,
    ) -> Sequence[ContactRecord]:
        """The newest first, of these agents (None: of all).

        ``before`` (an ``entered_at``) turns the page, ``live`` leaves out what is over.
        """
        return await self._select(latest(agents=agents, customer_id=customer_id, before=before, live=live).limit(limit))

    async def recordings_of(self, contact_ids: Collection[ContactId]) -> dict[ContactId, str]:
        """The id of the latest recording of each call that has one."""
        query = (
            select(recordings.c.contact_id, recordings.c.id)
            .where(recordings.c.contact_id.in_(contact_ids))
            .order_by(recordings.c.created_at)
        )
        async with self._database.read() as connection:
            return {row.contact_id: row.id for row in await connection.execute(query)}

    async def _select(self, query: Select[Any]) -> Sequence[ContactRecord]:
        async with self._database.read() as connection:
            return [from_row(row) for row in await connection.execute(query)]
