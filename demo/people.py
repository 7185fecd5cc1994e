"""Customers and agents of the demonstration: each a softphone, agents with a desktop as well."""

import asyncio
import functools
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from demo.accounts import AgentAccount, DemoAccounts
from demo.desk import Desk, open_desk
from demo.softphone import PhoneCall, Softphone
from demo.system import until

CARRIER = "127.0.0.2"
PATIENCE_S = 60.0
"""For what comes at once unless the machine is very busy."""
LONG_S = 3600.0


@dataclass
class AgentAtWork:
    """An agent who logs in, answers (or does not), speaks, and closes the ticket afterwards."""

    account: AgentAccount
    desk: Desk
    phone: Softphone
    voice: Path
    closes_as: str
    work: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Speak in every call; after it close the ticket and be ready again."""
        for nth in itertools.count():
            await until(functools.partial(self._has_rung, nth), "a call comes", timeout_s=LONG_S)
            await self._serve(self.phone.history[nth])

    def _has_rung(self, nth: int) -> bool:
        return len(self.phone.history) > nth

    async def _serve(self, call: PhoneCall) -> None:
        await until(lambda: bool(call.answered_at or call.ended_at), "it is answered or given up", timeout_s=LONG_S)
        if call.answered_at is not None:
            before = len(self._wrap_ups())
            call.play(self.voice)
            await until(lambda: call.ended_at is not None, "the call ends", timeout_s=LONG_S)
            what = f"agent {self.account.agent} is to write up the call"
            await until(lambda: len(self._wrap_ups()) > before, what, timeout_s=PATIENCE_S)
            await self._write_up(self._wrap_ups()[-1])

    def _wrap_ups(self) -> list[str]:
        """The calls that the desktop was told to write up."""
        changes = (told.data for told in self.desk.told if told.type == "switchroom.agent.state.changed")
        return [str(data["contact_id"]) for data in changes if data["state"] == "wrap_up"]

    async def _write_up(self, contact_id: str) -> None:
        await until(lambda: self._ticket(contact_id) is not None, "the call's ticket is opened")
        await self.desk.close_ticket(self._ticket(contact_id) or "", self.closes_as, "demo")
        await self.desk.ready()

    def _ticket(self, contact_id: str) -> str | None:
        opened = (told.data for told in self.desk.told if told.type == "switchroom.ticket.opened")
        return next((str(data["ticket_id"]) for data in opened if data["contact_id"] == contact_id), None)


@dataclass
class Stage:
    """Everybody who takes part; closed together."""

    accounts: DemoAccounts
    voices: dict[str, Path]
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    agents: dict[str, AgentAtWork] = field(default_factory=dict)

    @property
    def server(self) -> tuple[str, int]:
        host, _, port = self.accounts.sip.rpartition(":")
        return host, int(port)

    async def agent(self, number: str, *, voice: str, closes_as: str, answers: bool = True) -> AgentAtWork:
        """Let an agent come in: desktop, phone, ready."""
        account = next(one for one in self.accounts.agents if one.agent == number)
        desk = await self._stack.enter_async_context(open_desk(self.accounts.http, account.login, account.password))
        phone = Softphone(
            self.server,
            account.agent,
            account.sip_password,
            answer_after_s=0.8 if answers else None,
            register_within_s=PATIENCE_S,
        )
        await asyncio.to_thread(phone.start)
        self._stack.push_async_callback(asyncio.to_thread, phone.stop)
        found = AgentAtWork(account, desk, phone, self.voices[voice], closes_as)
        found.work = asyncio.create_task(found.serve(), name=f"demo.agent.{number}")
        self.agents[number] = found
        await desk.ready()
        return found

    async def supervisor(self) -> Desk:
        accounts = self.accounts
        return await self._stack.enter_async_context(
            open_desk(accounts.http, accounts.supervisor_login, accounts.supervisor_password)
        )

    async def customer(self, number: str) -> Softphone:
        """A customer's phone, reached through the carrier."""
        phone = Softphone(self.server, number, bind=CARRIER)
        await asyncio.to_thread(phone.start)
        self._stack.push_async_callback(asyncio.to_thread, phone.stop)
        return phone

    async def broken(self) -> None:
        """Wait until an agent cannot go on, and raise why."""
        while True:
            for agent in self.agents.values():
                if agent.work is not None and agent.work.done():
                    agent.work.result()
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        for agent in self.agents.values():
            if agent.work is not None:
                agent.work.cancel()
                await asyncio.gather(agent.work, return_exceptions=True)
        await self._stack.aclose()


async def dial(phone: Softphone, number: str) -> PhoneCall:
    """Call and wait until the line is answered."""
    call = phone.call(number)
    await asyncio.to_thread(call.wait_answered, PATIENCE_S)
    return call
