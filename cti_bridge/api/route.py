"""A route as a row of a table: who may call it, what goes in and comes out. Router, rights and OpenAPI read the same.

Nothing is reachable that is not in the table, and nothing in it is open unless it says so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from cti_bridge.api.hub import Hub
from cti_bridge.api.ports import AgentDesk, CallDesk, Explain, FlowDesk
from cti_bridge.api.throttle import Throttle
from cti_bridge.connectors.port import Connectors
from cti_bridge.service import CtiBridge
from switchroom.domain.ids import AgentId
from switchroom.runtime.clock import Clock
from switchroom.storage.accounts import Accounts, Role, User
from switchroom.storage.contacts import Contacts
from switchroom.storage.erasure import Erasure
from switchroom.storage.event_log import EventLog
from switchroom.storage.ledger import Ledger
from switchroom.storage.recordings import Recordings

Check = Callable[[], Awaitable[str | None]]
"""Raises `NotReady` (or anything else, of which only the kind is told) when what it looks at is not ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Everything that the handlers work with."""

    clock: Clock
    accounts: Accounts
    ledger: Ledger
    erasure: Erasure
    log: EventLog
    explain: Explain
    history: Contacts
    recordings: Recordings
    recordings_folder: Path
    connectors: Connectors
    bridge: CtiBridge
    hub: Hub
    agents: AgentDesk
    calls: CallDesk
    flows: FlowDesk
    checks: Mapping[str, Check]
    metrics: CollectorRegistry
    logins: Throttle
    addresses: Throttle
    password_checks: asyncio.Semaphore
    origins: tuple[str, ...]
    desktop: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One request, after its rights and its form were checked. ``body`` and ``query`` are of the route's models."""

    http: web.Request
    api: Api
    caller: User | None
    body: Any
    query: Any

    @property
    def user(self) -> User:
        assert self.caller is not None, "only open routes have nobody"
        return self.caller

    @property
    def supervises(self) -> bool:
        return self.user.role is not Role.AGENT

    def sees(self, agent_id: AgentId | None) -> bool:
        """Agents see what is theirs, supervisors everything."""
        return self.supervises or (agent_id is not None and agent_id == self.user.agent_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``least`` is the least role that may call it; None leaves it open to anybody."""

    method: str
    path: str
    handle: Callable[[Context], Awaitable[Any]]
    least: Role | None
    summary: str
    answer: Any = None
    status: HTTPStatus = HTTPStatus.OK
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    media_type: str = "application/json"
    documented: bool = True
