"""What the live side costs: a thousand desktops, a long line, calls coming and going; how long the loop is held.

The server's real parts (ACD, bridge, hub, feed, API, ledger on SQLite) run in this process, the desktops in another.
Calls are events of a softswitch that is not there: the load goes to loopback only.
"""

import asyncio
import contextlib
import itertools
import json
import random
import statistics
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from sqlalchemy import insert

from acd.config import AcdConfig, AgentConfig, QueueConfig
from acd.service import AcdService
from cti_bridge.bridge import CtiBridge
from cti_bridge.connectors.builtin import builtin
from cti_bridge.http.app import create_app
from cti_bridge.live.hub import Hub
from server.benchmarks.loop import TimedSelector, timed_loop
from server.why import Why
from switchroom.domain import events as ev
from switchroom.domain.brand import NO_BRAND, Brands
from switchroom.domain.contact import CustomerTier, Outcome, Requirements
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName
from switchroom.domain.user import Role
from switchroom.domain.views import CallView, FlowView
from switchroom.runtime.background import BackgroundTasks, end_all_others
from switchroom.runtime.bus import Bus
from switchroom.runtime.capacity import raise_descriptor_limit
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.garbage import spare_the_loop
from switchroom.storage.accounts import Accounts
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger
from switchroom.storage.outbox import Outbox
from switchroom.storage.tables import users

QUEUES = 20
TALK_S = 2.0
HELD_MS = 20.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds that the loop was held: at the 99.9th percentile, and the longest; pops, from sent to received."""

    desktops: int
    waiting: int
    seconds: float
    held_p999_ms: float
    held_longest_ms: float
    held_longest_cpu_ms: float
    held_too_long: int
    pops: int
    pop_p50_ms: float
    pop_p99_ms: float
    bytes_per_desktop_s: float


def measure(desktops: int, waiting: int, calls_per_s: int, seconds: int) -> Measured:
    """Run it once. Takes about ``seconds``, and half a minute to build and connect."""
    selector = TimedSelector()
    with asyncio.Runner(loop_factory=lambda: timed_loop(selector)) as runner:
        return runner.run(_measure(selector, desktops, waiting, calls_per_s, seconds))


async def _measure(selector: TimedSelector, desktops: int, waiting: int, calls_per_s: int, seconds: int) -> Measured:
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory(prefix="switchroom-bench-") as folder:
        async with _House(Path(folder), desktops).running() as house:
            spare_the_loop()  # as the server does when it is ready
            await house.fill(waiting)
            async with house.desktops() as client:
                selector.clear()
                await house.work(calls_per_s, seconds)
                held, cpu = list(selector.held_s), list(selector.cpu_s)
                told = await client.result()
    pops = sorted(told["pops_ms"])
    held_ms = sorted(second * 1000 for second in held)
    return Measured(
        desktops=desktops,
        waiting=waiting,
        seconds=seconds,
        held_p999_ms=held_ms[int(len(held_ms) * 0.999)],
        held_longest_ms=held_ms[-1],
        held_longest_cpu_ms=max(cpu) * 1000,
        held_too_long=sum(one > HELD_MS for one in held_ms),
        pops=len(pops),
        pop_p50_ms=statistics.median(pops) if pops else 0.0,
        pop_p99_ms=pops[int(len(pops) * 0.99)] if pops else 0.0,
        bytes_per_desktop_s=told["characters"] / desktops / seconds,
    )


class _Client:
    """The process of the desktops."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def result(self) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        found: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return found


class _Nothing:
    """Calls and menus that are not there."""

    def live(self) -> Sequence[CallView]:
        return ()

    def find(self, contact_id: ContactId) -> CallView | None: ...

    def flows(self) -> Sequence[FlowView]:
        return ()


class _House:
    """The server's parts, with as many agents as desktops."""

    def __init__(self, folder: Path, agents: int) -> None:
        self._dice = random.Random(1)  # noqa: S311  # a repeatable load, no secret
        self.folder = folder
        self.clock, self.bus = SystemClock(), Bus()
        self.queues = [QueueName(f"q{number}") for number in range(QUEUES)]
        self.agents = [AgentId(str(10000 + number)) for number in range(agents)]
        self._numbers = itertools.count(1)
        self._tasks = BackgroundTasks()
        self.secrets: list[str] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["_House"]:
        database = Database(f"sqlite+aiosqlite:///{self.folder}/switchroom.db")
        await database.upgrade()
        ledger = self.ledger = Ledger(database, self.bus, self.clock)
        await ledger.start()
        config = self._config()
        self.acd = AcdService(config, self.bus, self.clock, self, lambda: OfferId(uuid.uuid4().hex))
        await self.acd.start()
        hub = Hub(ledger, self.bus, self.clock)
        connectors = builtin(database)
        outbox = Outbox(database, ledger)
        brands = Brands((), NO_BRAND)
        self.bridge = CtiBridge(self.bus, self.clock, connectors, Contacts(database), hub, brands, outbox)
        await self.bridge.start()
        nothing: Any = _Nothing()  # no desktop asks for anything here
        app = create_app(
            bus=self.bus,
            clock=self.clock,
            database=database,
            ledger=ledger,
            hub=hub,
            bridge=self.bridge,
            agents=self.acd,
            calls=nothing,
            commands=nothing,
            flows=nothing,
            explain=Why(database, config).decisions,
            recordings_folder=self.folder,
            checks={},
            registry=CollectorRegistry(),
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await self._open_sessions(database)
        self.bus.publish(ev.Reconciled(at=self.clock.now(), live=frozenset()))
        try:
            yield self
        finally:
            await self._tasks.close()
            await runner.cleanup()
            await self.bridge.stop()
            await self.acd.stop()
            await ledger.stop()
            await database.close()
            await end_all_others()

    @contextlib.asynccontextmanager
    async def desktops(self) -> AsyncIterator[_Client]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server.benchmarks.desktops",
            self.url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(self.secrets).encode() + b"\n")
            async with asyncio.timeout(120):
                if await process.stdout.readline() != b"connected\n":
                    raise ConnectionError("the desktops could not connect")
            yield _Client(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def fill(self, waiting: int) -> None:
        """Everybody is on duty and paused, and so many wait."""
        for agent_id in self.agents:
            self.bus.publish(ev.PhoneChanged(at=self.clock.now(), extension=Extension(agent_id), registered=True))
            await self.acd.set_state(agent_id, "paused", "break")
        for number in range(waiting):
            self._join()
            if number % 50 == 0:
                await asyncio.sleep(0)
        await self.ledger.flush()

    async def work(self, calls_per_s: int, seconds: int) -> None:
        """Callers join and agents come free, as many of each."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(calls_per_s * seconds):
            self._join()
            await self.acd.set_state(self.agents[number % len(self.agents)], "available", None)
            await asyncio.sleep(max(0.0, began + (number + 1) / calls_per_s - loop.time()))

    def _join(self) -> None:
        now = self.clock.now()
        contact_id = ContactId(f"call-{next(self._numbers)}")
        tier = self._dice.choices(list(CustomerTier), (70, 15, 10, 5))[0]
        needs = Requirements(self._dice.choice(self.queues), {"lang:zh": 1}, tier)
        self.bus.publish(ev.ContactQueued(at=now, contact_id=contact_id, requirements=needs, enqueued_at=now))

    async def deliver(self, offer: ev.OfferMade) -> None:
        """`acd.channels.Channels`: the agent answers when the record is on the screen."""
        await self.bridge.pops.pop(offer)
        self._tasks.spawn(self._talk(offer), name="bench.talk")

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        """Nothing restarts here."""

    async def _talk(self, offer: ev.OfferMade) -> None:
        contact_id, agent_id = offer.contact_id, offer.agent_id
        self.bus.publish(ev.ContactConnected(at=self.clock.now(), contact_id=contact_id, agent_id=agent_id))
        await asyncio.sleep(TALK_S)
        ended = ev.ContactEnded(
            at=self.clock.now(), contact_id=contact_id, outcome=Outcome.CONNECTED, agent_id=agent_id
        )
        self.bus.publish(ended)
        await self.acd.set_state(agent_id, "paused", "break")

    async def _open_sessions(self, database: Database) -> None:
        """A session for each agent, without the cost of a password."""
        async with database.write() as connection:
            rows = [{"login": a, "password_hash": "-", "role": Role.AGENT, "agent_id": a} for a in self.agents]
            await connection.execute(insert(users), rows)
        accounts = Accounts(database)
        for agent_id in self.agents:
            self.secrets.append(await accounts.start_session(agent_id, self.clock.now()))

    def _config(self) -> AcdConfig:
        skills = [f"s{number}" for number in range(QUEUES)]
        profiles = [{s: self._dice.randint(1, 10) for s in self._dice.sample(skills, 5)} for _ in range(120)]
        return AcdConfig(
            agents={
                agent_id: AgentConfig(name=f"Agent {agent_id}", skills={**profiles[number % 120], "lang:zh": 5})
                for number, agent_id in enumerate(self.agents)
            },
            queues={
                name: QueueConfig(title={"en-US": name}, skills={skill: 1})
                for name, skill in zip(self.queues, skills, strict=True)
            },
            head_start={CustomerTier.GOLD: timedelta(seconds=60), CustomerTier.PLATINUM: timedelta(seconds=120)},
            fallback=self.queues[0],
        )
