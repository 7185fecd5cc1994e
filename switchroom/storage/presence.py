"""Agents' presence, as it was when the server last ran: who was logged in stays logged in over a restart."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select

from switchroom.domain.events import AgentState, AgentStateChanged, DeskChanged, DesktopClosed, DesktopOpened
from switchroom.domain.ids import AgentId, Extension
from switchroom.storage.database import Database
from switchroom.storage.tables import agent_presence, events
from switchroom.wire import type_name


async def open_desktops(database: Database, agents: Iterable[AgentId]) -> Sequence[AgentId]:
    """Which of ``agents`` had a desktop open when the server last ran."""
    opened = type_name(DesktopOpened)
    kinds = (opened, type_name(DesktopClosed))
    found = []
    async with database.read() as connection:
        for agent_id in agents:
            of_agent = (events.c.agent_id == agent_id) & events.c.type.in_(kinds)
            last = select(events.c.type).where(of_agent).order_by(events.c.seq.desc()).limit(1)
            if await connection.scalar(last) == opened:
                found.append(agent_id)
    return found


async def last_desks(database: Database, server: str, agents: Iterable[AgentId]) -> Mapping[AgentId, Extension]:
    """The phones where ``agents`` sat when this server last ran, of those who had one."""
    found = {}
    async with database.read() as connection:
        for agent_id in agents:
            own = (events.c.agent_id == agent_id) & (events.c.server == server)
            chosen = own & (events.c.type == type_name(DeskChanged))
            last = select(events.c.data["extension"]).where(chosen).order_by(events.c.seq.desc()).limit(1)
            if (extension := await connection.scalar(last)) is not None:
                found[agent_id] = Extension(extension)
    return found


async def load_presence(database: Database, server: str) -> Sequence[AgentStateChanged]:
    """The last states of the agents who were with this server last: those of another one are its own business."""
    own = select(agent_presence).where(agent_presence.c.server == server).order_by(agent_presence.c.agent_id)
    async with database.read() as connection:
        return [
            AgentStateChanged(
                at=row.since,
                agent_id=row.agent_id,
                state=AgentState(row.state),
                reason=row.reason,
                contact_id=row.contact_id,
                until=row.until,
                queue=row.queue,
                requested=AgentState(row.requested) if row.requested else None,
                requested_reason=row.requested_reason,
            )
            for row in await connection.execute(own)
        ]
