"""Call control and data dips for tests of the menus."""

import asyncio
from collections.abc import Mapping
from typing import Any

from ivr.ports import DipFailed
from switchroom.domain.caller import Caller
from switchroom.domain.contact import Requirements
from switchroom.domain.errors import UnknownCall
from switchroom.domain.events import InputKind
from switchroom.domain.ids import CallId


class FakeCallControl:
    """Knows the callers it is given, and writes down what menus do with them (ivr.ports.CallControl)."""

    def __init__(self, *callers: Caller) -> None:
        self.callers = {caller.call_id: caller for caller in callers}
        self.claimed: set[CallId] = set()
        self.record: list[tuple[Any, ...]] = []
        self.fails_with: Exception | None = None
        self.any_caller: str | None = None
        """The number that every unknown call has dialled: for callers whose ids an Asterisk makes."""

    async def claim(self, call_id: CallId, timeout_s: float) -> Caller:
        if self.any_caller is not None and call_id not in self.callers:
            self.callers[call_id] = Caller(call_id=call_id, number=self.any_caller, phone="13800138000")
        if call_id not in self.callers or call_id in self.claimed:
            raise UnknownCall(call_id)
        self.claimed.add(call_id)
        return self.callers[call_id]

    def release(self, call_id: CallId) -> None:
        self.claimed.remove(call_id)
        self.record.append(("released",))

    def flow_started(self, call_id: CallId, flow: str, version: str) -> None:
        self.record.append(("flow", flow, version))

    def node_visited(self, call_id: CallId, node: str) -> None:
        self.record.append(("node", node))

    def input_taken(self, call_id: CallId, node: str, kind: InputKind, value: str, confidence: float | None) -> None:
        self.record.append(("input", node, kind.value, value))

    def resolved(self, call_id: CallId) -> None:
        self.record.append(("resolved",))

    async def queue(self, call_id: CallId, requirements: Requirements, collected: Mapping[str, str]) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.record.append(("queue", requirements, dict(collected)))

    async def fall_back(self, call_id: CallId, collected: Mapping[str, str]) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.record.append(("fall_back", dict(collected)))

    async def finish(self, call_id: CallId) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.record.append(("finish",))

    @property
    def path(self) -> list[str]:
        return [entry[1] for entry in self.record if entry[0] == "node"]

    async def until(self, entry: str, timeout_s: float = 5) -> tuple[Any, ...]:
        """Wait for a kind of entry; returns it."""
        async with asyncio.timeout(timeout_s):
            while True:
                for found in self.record:
                    if found[0] == entry:
                        return found
                await asyncio.sleep(0.005)

    async def reaches(self, node: str, timeout_s: float = 5) -> None:
        async with asyncio.timeout(timeout_s):
            while node not in self.path:
                await asyncio.sleep(0.005)


ORDER = {
    "number": "20260105",
    "status": "shipped",
    "status_zh": "已发货",
    "carrier": "顺丰",
    "eta": "2026-11-25",
    "total": 1299.0,
    "items": 2,
}


class FakeDips:
    """One known order; ``answers`` are used up first: a record, None, or an error to raise."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: list[Any] = []
        self.slow_s = 0.0

    async def look_up(self, source: str, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        self.asked.append((source, dict(arguments)))
        await asyncio.sleep(self.slow_s)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]
        if source != "orders":
            raise DipFailed(source)
        return ORDER if arguments.get("number") == ORDER["number"] else None
