"""Call control and data lookups for tests of the menus."""

import asyncio
from collections.abc import Mapping
from typing import Any

from ivr.ports import LookupFailed
from ivr.replay import RecordedInput
from switchroom.domain.caller import Caller
from switchroom.domain.contact import Requirements
from switchroom.domain.errors import UnknownContact
from switchroom.domain.events import InputKind
from switchroom.domain.ids import ContactId
from tests.support.waiting import eventually


class FakeCallControl:
    """Knows the callers it is given, and writes down what menus do with them (ivr.ports.CallControl)."""

    def __init__(self, *callers: Caller) -> None:
        self.callers = {caller.contact_id: caller for caller in callers}
        self.claimed: set[ContactId] = set()
        self.record: list[tuple[Any, ...]] = []
        self.inputs: list[RecordedInput] = []
        self.fails_with: Exception | None = None
        self.any_caller: str | None = None
        """The number that every unknown call has dialled: for callers whose ids an Asterisk makes."""

    async def claim(self, contact_id: ContactId, timeout_s: float) -> Caller:
        if self.any_caller is not None and contact_id not in self.callers:
            self.callers[contact_id] = Caller(contact_id=contact_id, number=self.any_caller, phone="13800138000")
        if contact_id not in self.callers or contact_id in self.claimed:
            raise UnknownContact(contact_id)
        self.claimed.add(contact_id)
        return self.callers[contact_id]

    def release(self, contact_id: ContactId) -> None:
        self.claimed.remove(contact_id)
        self.record.append(("released",))

    def flow_started(self, contact_id: ContactId, flow: str, version: str) -> None:
        self.record.append(("flow", flow, version))

    def node_visited(self, contact_id: ContactId, node: str) -> None:
        self.record.append(("node", node))

    def input_taken(
        self, contact_id: ContactId, node: str, kind: InputKind, value: str, confidence: float | None
    ) -> None:
        self.record.append(("input", node, kind.value, value))

    def menu_input(self, contact_id: ContactId, number: int, kind: str, received: Mapping[str, Any]) -> None:
        self.inputs.append(RecordedInput(number, kind, received))

    def resolved(self, contact_id: ContactId) -> None:
        self.record.append(("resolved",))

    async def queue(self, contact_id: ContactId, requirements: Requirements, collected: Mapping[str, str]) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.record.append(("queue", requirements, dict(collected)))

    async def fall_back(self, contact_id: ContactId, collected: Mapping[str, str]) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.record.append(("fall_back", dict(collected)))

    async def finish(self, contact_id: ContactId) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.record.append(("finish",))

    @property
    def path(self) -> list[str]:
        return [entry[1] for entry in self.record if entry[0] == "node"]

    async def until(self, entry: str, timeout_s: float = 5) -> tuple[Any, ...]:
        """Wait for a kind of entry; returns it."""
        await eventually(lambda: any(found[0] == entry for found in self.record), entry, timeout_s)
        return next(found for found in self.record if found[0] == entry)

    async def reaches(self, node: str, timeout_s: float = 5) -> None:
        await eventually(lambda: node in self.path, node, timeout_s)


ORDER = {
    "number": "20260105",
    "status": "shipped",
    "status_zh": "已发货",
    "carrier": "顺丰",
    "eta": "2026-11-25",
    "total": 1299.0,
    "items": 2,
}


class FakeLookups:
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
            raise LookupFailed(source)
        return ORDER if arguments.get("number") == ORDER["number"] else None
