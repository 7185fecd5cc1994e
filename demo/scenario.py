"""The four stories of the demonstration, played by real phones over real SIP.

a  A Mandarin caller asks for an order by keys, hears its status and hangs up: served without an agent.
b  An ordinary caller, and after her a gold one, wait for the only agent with the skill: gold is served first.
c  An English caller says "returns" over the prompt and reaches an agent who can do it in English.
d  An agent does not answer: the call goes on to the next one, and keeps its place.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from demo.desk import Desk
from demo.hearing import fell_silent_at, sound_s
from demo.people import Stage, dial
from demo.softphone import PhoneCall
from demo.system import until

CHINESE, ENGLISH = "4008123123", "4008123124"
WANG_FANG, LI_QIANG, ZHAO_MIN, CHEN_JING = "13800138000", "13912345678", "13701012020", "13688880001"
EMMA_CLARK, STRANGER = "+14155552671", "13512340000"
ORDER = "20260105"
TALK_S = 6.0
PATIENCE_S = 180.0
"""For what another story may hold up, as an agent who is busy in it."""
SPOKEN_S = 1.0
INTO_PROMPT_S = 0.8
"""So much of the prompt is heard before it is interrupted."""
REPEAT_AFTER_S = 15.0
SILENCE_WITHIN_S = 5.0


@dataclass
class Play:
    """The running demonstration; ``ids`` remembers which call belongs to which part of a story."""

    stage: Stage
    board: Desk
    ids: dict[str, str] = field(default_factory=dict)
    interrupted_ms: float | None = None
    """In story c: from the caller's first sound until the prompt was silent at the caller's ear, by the times at which
    packets left and came."""

    def part_of(self, contact_id: str) -> str:
        """The part of the story that a call is, once it is known."""
        return next((part for part, known in self.ids.items() if known == contact_id), "")

    async def everything(self) -> None:
        """All stories, side by side; the first thing that goes wrong ends them and is raised."""
        stories = (self._self_service(), self._missed_then_next(), self._gold_before_ordinary())
        tasks = [asyncio.create_task(story) for story in stories]
        broken = asyncio.create_task(self.stage.broken())
        try:
            for finished in asyncio.as_completed([*tasks, broken]):
                await finished
                if all(task.done() for task in tasks):
                    return
        finally:
            for task in (*tasks, broken):
                task.cancel()
            await asyncio.gather(*tasks, broken, return_exceptions=True)

    async def _self_service(self) -> None:
        phone = await self.stage.customer(ZHAO_MIN)
        call = await dial(phone, CHINESE)
        contact_id = await self._named("a", ZHAO_MIN)
        await self._reaches(contact_id, "main")
        call.press("1")
        await self._reaches(contact_id, "ask_order")
        call.press(f"{ORDER}#")
        await self._reaches(contact_id, "anything_else")
        call.hang_up()
        await self._ends(contact_id)

    async def _gold_before_ordinary(self) -> None:
        await self.stage.agent("1001", voice="agent-zh", closes_as="refund")
        first = await self._asks_for_returns("b-first", STRANGER)
        await self._connected(self.ids["b-first"])
        ordinary = await self._asks_for_returns("b-ordinary", LI_QIANG)
        gold = await self._asks_for_returns("b-gold", WANG_FANG)
        await self._talks(first, "b-first")
        await self._connected(self.ids["b-gold"])
        await self._talks(gold, "b-gold")
        await self._connected(self.ids["b-ordinary"])
        await self._talks(ordinary, "b-ordinary")
        await self._speaks_english()

    async def _asks_for_returns(self, part: str, caller: str) -> PhoneCall:
        phone = await self.stage.customer(caller)
        call = await dial(phone, CHINESE)
        contact_id = await self._named(part, caller)
        await self._reaches(contact_id, "main")
        call.press("2")
        await self._told(contact_id, "switchroom.contact.queued")
        return call

    async def _speaks_english(self) -> None:
        await self.stage.agent("1003", voice="agent-en", closes_as="resolved")
        phone = await self.stage.customer(EMMA_CLARK)
        call = await dial(phone, ENGLISH)
        contact_id = await self._named("c", EMMA_CLARK)
        await self._reaches(contact_id, "main")
        await until(lambda: sound_s(call.packets()) > INTO_PROMPT_S, "the caller of c hears the prompt")
        self.interrupted_ms = await self._interrupts(call)
        while not await self._understood(contact_id):
            call.play(self.stage.voices["returns"])  # as people do who are asked again
        await self._connected(contact_id)
        await self._talks(call, "c", voice="caller-en")

    async def _interrupts(self, call: PhoneCall) -> float | None:
        """Say "returns" over the prompt; how many milliseconds later it is silent, None if it goes on."""
        call.play(self.stage.voices["returns"])
        await until(lambda: call.spoke_at() is not None, "the caller of c speaks")
        spoke_at = call.spoke_at() or 0.0
        deadline = time.monotonic() + SILENCE_WITHIN_S
        while (silent_at := fell_silent_at(call.packets(), spoke_at)) is None:
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(0.05)
        return (silent_at - spoke_at) * 1000

    async def _understood(self, contact_id: str) -> bool:
        deadline = time.monotonic() + REPEAT_AFTER_S
        while not self.events(contact_id, "switchroom.input.taken"):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    async def _missed_then_next(self) -> None:
        await self.stage.agent("1002", voice="agent-zh", closes_as="resolved", answers=False)
        phone = await self.stage.customer(CHEN_JING)
        call = await dial(phone, CHINESE)
        contact_id = await self._named("d", CHEN_JING)
        await self._reaches(contact_id, "main")
        call.press("3")
        await self._told(contact_id, "switchroom.offer.failed")
        await self._connected(contact_id)
        await self._talks(call, "d")

    async def _talks(self, call: PhoneCall, part: str, voice: str = "caller-zh") -> None:
        (connected,) = self.events(self.ids[part], "switchroom.contact.connected")
        connected_at = datetime.fromisoformat(connected["at"]).timestamp()
        call.play(self.stage.voices[voice])
        await asyncio.sleep(TALK_S)

        def both_spoke() -> bool:
            heard = [packet for packet in call.packets() if packet.arrived_at > connected_at]
            return call.idle() and sound_s(heard) > SPOKEN_S

        await until(both_spoke, f"caller and agent of {part} have spoken")
        call.hang_up()
        await self._ends(self.ids[part])

    # What the board has been told.

    def events(self, contact_id: str, kind: str) -> list[dict[str, Any]]:
        return [
            told.data for told in self.board.told if told.type == kind and told.data.get("contact_id") == contact_id
        ]

    async def _named(self, part: str, caller: str) -> str:
        """The id of this caller's newest call."""

        def newest() -> str | None:
            taken = set(self.ids.values())
            for told in reversed(self.board.told):
                if told.type == "switchroom.contact.entered" and told.data["caller"].endswith(caller[-8:]):
                    return None if told.data["contact_id"] in taken else str(told.data["contact_id"])
            return None

        await until(lambda: newest() is not None, f"call {part} comes in")
        self.ids[part] = newest() or ""
        return self.ids[part]

    async def _reaches(self, contact_id: str, node: str) -> None:
        def there() -> bool:
            return any(event["node"] == node for event in self.events(contact_id, "switchroom.node.visited"))

        await until(there, f"call {self.part_of(contact_id)} reaches `{node}`")

    async def _told(self, contact_id: str, kind: str) -> None:
        what = f"{kind} of call {self.part_of(contact_id)}"
        await until(lambda: bool(self.events(contact_id, kind)), what, timeout_s=PATIENCE_S)

    async def _connected(self, contact_id: str) -> None:
        await self._told(contact_id, "switchroom.contact.connected")

    async def _ends(self, contact_id: str) -> None:
        await self._told(contact_id, "switchroom.contact.ended")
