"""Answers that say what outlives the server: they wait until the ledger has it, or say that it has not yet."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cti_bridge.http import kept
from tests.fixtures.api_client import Client
from tests.fixtures.bridge_server import PASSWORD, BridgeServer

RequestOf = Callable[[str], tuple[str, str, dict[str, Any]]]


class SlowLedger:
    """What is told is written down when ``written`` is set."""

    def __init__(self, server: BridgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.written = asyncio.Event(), asyncio.Event()
        self._flush = server.ledger.flush
        monkeypatch.setattr(server.ledger, "flush", self.flush)

    async def flush(self) -> None:
        self.asked.set()
        await self.written.wait()
        await self._flush()


@pytest.fixture
async def ticket(server: BridgeServer) -> str:
    await server.ring()
    opened = await server.answer()
    await server.end()
    return opened.ticket_id


def closing(ticket: str) -> tuple[str, str, dict[str, Any]]:
    return "PATCH", f"/api/v1/tickets/{ticket}", {"state": "closed", "disposition": "refund"}


def logging_in(_: str) -> tuple[str, str, dict[str, Any]]:
    return "POST", "/api/v1/session", {"login": "agent", "password": PASSWORD, "desk": "8001"}


@pytest.mark.parametrize("request_of", [closing, logging_in])
async def test_given_a_slow_ledger_when_something_must_outlive_the_server_then_the_answer_waits_for_it(
    server: BridgeServer, client: Client, ticket: str, monkeypatch: pytest.MonkeyPatch, request_of: RequestOf
) -> None:
    monkeypatch.setattr(kept, "KEPT_WITHIN_S", 60.0)
    agent, ledger = await client("agent"), SlowLedger(server, monkeypatch)
    method, path, body = request_of(ticket)
    answer = asyncio.create_task(agent.ask(method, path, json=body))
    async with asyncio.timeout(5):
        await ledger.asked.wait()
    assert not answer.done()
    ledger.written.set()
    assert (await answer)[0] == 200


async def test_given_a_ledger_that_is_away_when_a_ticket_is_closed_then_it_is_accepted_and_written_down_later(
    server: BridgeServer, client: Client, ticket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "KEPT_WITHIN_S", 0.01)
    agent, ledger = await client("agent"), SlowLedger(server, monkeypatch)
    method, path, body = closing(ticket)
    status, moved = await agent.ask(method, path, json=body)
    assert (status, moved["state"]) == (202, "closed")
    ledger.written.set()
    await server.ledger.flush()
    _, story = await agent.ask("GET", "/api/v1/contacts/c1")
    assert story["contact"]["disposition"] == "refund"
