"""The HTTP side as one aiohttp application, built from the tables of the capabilities."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from cti_bridge.accounts.http import Sessions
from cti_bridge.agents.http import Agents
from cti_bridge.agents.port import AgentCommands
from cti_bridge.bridge import CtiBridge
from cti_bridge.calls.http import Calls
from cti_bridge.calls.port import CallCommands, LiveCalls
from cti_bridge.contacts.http import Contacts, Explain
from cti_bridge.contacts.visits import VisitFigures
from cti_bridge.customers.http import Customers
from cti_bridge.flows.http import Flows
from cti_bridge.flows.port import FlowCatalog
from cti_bridge.holds.http import Holds
from cti_bridge.http.door import Network, door, our_names
from cti_bridge.http.endpoint import endpoint, problems
from cti_bridge.http.guard import Guard
from cti_bridge.http.health import Check, Health
from cti_bridge.http.metrics import measure
from cti_bridge.http.openapi import REF, describe
from cti_bridge.http.pages import Pages, secure
from cti_bridge.http.route import Capability, Request, Route
from cti_bridge.live.http import RECHECK_S, Live
from cti_bridge.live.hub import Hub
from cti_bridge.live.messages import message_schemas
from cti_bridge.live.queue_feed import QueueFeed
from cti_bridge.recordings.http import Recordings
from cti_bridge.reports.http import Reports
from cti_bridge.tickets.http import Tickets
from switchroom.domain.user import Right
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage import contacts, recordings
from switchroom.storage.accounts import Accounts
from switchroom.storage.database import Database
from switchroom.storage.erasure import Elsewhere, Erasure
from switchroom.storage.event_log import EventLog
from switchroom.storage.holds import Holds as HoldStore
from switchroom.storage.ledger import Ledger
from switchroom.storage.visit_days import VisitDays

DESKTOP = Path(__file__).resolve().parent.parent / "desktop" / "dist"
LARGEST_BODY = 64 * 1024


class Description(Capability):
    """The API, described by itself."""

    async def openapi(self, _: Request) -> Mapping[str, Any]:
        return describe(ROUTES, message_schemas(REF))

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/openapi.json",
            handle=openapi,
            needs=Right.BE_KNOWN,
            summary="This description",
            answer=Mapping[str, Any],
        ),
    )


CAPABILITIES: tuple[type[Capability], ...] = (
    Sessions,
    Agents,
    Contacts,
    Calls,
    Recordings,
    Customers,
    Holds,
    Reports,
    Tickets,
    Flows,
    Live,
    Health,
    Pages,
    Description,
)
ROUTES = tuple(route for capability in CAPABILITIES for route in capability.ROUTES)


def create_app(
    *,
    bus: Bus,
    clock: Clock,
    database: Database,
    ledger: Ledger,
    hub: Hub,
    bridge: CtiBridge,
    agents: AgentCommands,
    calls: LiveCalls,
    commands: CallCommands,
    flows: FlowCatalog,
    explain: Explain,
    recordings_folder: Path,
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    origins: tuple[str, ...] = (),
    hosts: Sequence[str] = (),
    trusted_proxies: Sequence[Network] = (),
    desktop: Path = DESKTOP,
    recheck_s: float = RECHECK_S,
    elsewhere: Elsewhere | None = None,
) -> web.Application:
    """The application: ``recordings_folder`` is that of the audio, ``checks`` what `/readyz` names.

    A socket's session is looked at again every ``recheck_s``. ``elsewhere`` is what of a person lies outside of the
    database.
    ``hub`` is the one that ``bridge`` shows its pops on; ``ledger`` must have been started before requests come.
    """
    accounts, log = Accounts(database), EventLog(database)
    guard = Guard(accounts, clock, agents.team, origins)
    store, index = contacts.Contacts(database), recordings.Recordings(database)
    agent_routes = Agents(agents, ledger)
    erasure = Erasure(database, clock, elsewhere, server=ledger.server)
    capabilities: Sequence[Capability] = (
        Sessions(accounts, clock, agents, hub, ledger),
        agent_routes,
        Contacts(store, log, index, explain),
        Calls(calls, commands, agents),
        Recordings(index, recordings_folder),
        Customers(bridge.connectors, store, erasure, ledger, bridge.profiles),
        Holds(HoldStore(database), bridge.connectors.crm, store, clock),
        Reports(VisitDays(database)),
        Tickets(bridge.connectors.ticketing, bridge.tickets, store, ledger),
        Flows(flows),
        Live(hub, ledger, log, guard, clock, agent_routes, bridge.pops, recheck_s),
        Health(checks, registry),
        Pages(desktop),
        Description(),
    )
    bridge.contacts.watch(VisitFigures(registry, bridge.brands).watch)
    middlewares = (
        measure(registry, bus, hub, ledger, bridge.tickets),
        problems,
        door(our_names(hosts, origins), trusted_proxies),
    )
    app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
    for capability in capabilities:
        for route in capability.ROUTES:
            app.router.add_route(route.method, route.path, endpoint(guard, capability, route))
    app.on_response_prepare.append(secure)
    app.cleanup_ctx.append(_running(QueueFeed(bus, clock, hub, agents)))

    async def cut_everybody(_: web.Application) -> None:
        """Let the sockets go, so that stopping does not wait for them; the desktops connect again by themselves."""
        hub.stop()

    app.on_shutdown.append(cut_everybody)
    return app


def _running(feed: QueueFeed) -> Callable[[web.Application], AsyncIterator[None]]:
    async def context(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(feed.run(), name="queue_feed")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return context
