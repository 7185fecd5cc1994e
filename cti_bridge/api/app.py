"""The HTTP side as one aiohttp application, built from the table of routes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from cti_bridge.api import contacts, customers, desk, events, health, pages, session, tickets
from cti_bridge.api.door import Network, door, our_names
from cti_bridge.api.endpoint import endpoint, problems
from cti_bridge.api.hub import Hub
from cti_bridge.api.metrics import measure
from cti_bridge.api.openapi import describe
from cti_bridge.api.ports import AgentDesk, CallDesk, Explain, FlowDesk
from cti_bridge.api.queue_feed import QueueFeed
from cti_bridge.api.route import Api, Check, Context, Route
from cti_bridge.api.throttle import Throttle
from cti_bridge.connectors.port import Connectors
from cti_bridge.service import CtiBridge
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.accounts import Accounts, Role
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.erasure import Erasure
from switchroom.storage.event_log import EventLog
from switchroom.storage.ledger import Ledger
from switchroom.storage.recordings import Recordings

DESKTOP = Path(__file__).resolve().parent.parent / "desktop" / "dist"
LARGEST_BODY = 64 * 1024

API = web.AppKey("api", Api)


async def openapi(context: Context) -> Mapping[str, Any]:
    return describe(ROUTES)


ROUTES: tuple[Route, ...] = (
    *session.ROUTES,
    *desk.ROUTES,
    *contacts.ROUTES,
    *customers.ROUTES,
    *tickets.ROUTES,
    *events.ROUTES,
    *health.ROUTES,
    *pages.ROUTES,
    Route(
        method="GET",
        path="/api/v1/openapi.json",
        handle=openapi,
        least=Role.AGENT,
        summary="This description",
        answer=Mapping[str, Any],
    ),
)


def create_app(
    *,
    bus: Bus,
    clock: Clock,
    database: Database,
    ledger: Ledger,
    hub: Hub,
    bridge: CtiBridge,
    connectors: Connectors,
    agents: AgentDesk,
    calls: CallDesk,
    flows: FlowDesk,
    explain: Explain,
    recordings: Path,
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    origins: tuple[str, ...] = (),
    hosts: Sequence[str] = (),
    trusted_proxies: Sequence[Network] = (),
    desktop: Path = DESKTOP,
) -> web.Application:
    """The application: ``recordings`` is the folder of the audio, ``checks`` what `/readyz` names.

    ``hub`` is the one that ``bridge`` shows its pops on; ``ledger`` must have been started before requests come.
    """
    api = Api(
        clock=clock,
        accounts=Accounts(database),
        ledger=ledger,
        erasure=Erasure(database),
        log=EventLog(database),
        explain=explain,
        history=Contacts(database),
        recordings=Recordings(database),
        recordings_folder=recordings,
        connectors=connectors,
        bridge=bridge,
        hub=hub,
        agents=agents,
        calls=calls,
        flows=flows,
        checks=checks,
        metrics=registry,
        logins=Throttle(clock, limit=5),
        addresses=Throttle(clock, limit=50),
        password_checks=asyncio.Semaphore(2),
        origins=origins,
        desktop=desktop,
    )
    middlewares = (measure(registry, bus, hub, ledger), problems, door(our_names(hosts, origins), trusted_proxies))
    app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
    app[API] = api
    for route in ROUTES:
        app.router.add_route(route.method, route.path, endpoint(api, route))
    app.on_response_prepare.append(pages.secure)
    app.cleanup_ctx.append(_running(QueueFeed(bus, clock, hub, agents)))
    app.on_shutdown.append(_cut_everybody)
    return app


def _running(feed: QueueFeed) -> Callable[[web.Application], AsyncIterator[None]]:
    async def context(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(feed.run(), name="queue_feed")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return context


async def _cut_everybody(app: web.Application) -> None:
    """Let the sockets go, so that stopping does not wait for them; the desktops connect again by themselves."""
    app[API].hub.stop()
