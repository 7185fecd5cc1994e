"""Desktops that keep what they were shown."""

import asyncio

from cti_bridge.pop.screen_pop import ScreenPop


class FakeScreens:
    def __init__(self, *, count: int = 1, delay_s: float = 0.0) -> None:
        self.count, self.delay_s = count, delay_s
        self.pops: list[ScreenPop] = []

    async def show(self, pop: ScreenPop) -> int:
        await asyncio.sleep(self.delay_s)
        self.pops.append(pop)
        return self.count
