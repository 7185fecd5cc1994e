"""The ACD's core against everything that may happen, in any order."""

from acd.core.core import Core
from tests.support.acd_machine import BOUNDS, AcdMachine, CoreDriver
from tests.support.acd_world import PARAMETERS


class CoreMachine(AcdMachine):
    make_driver = staticmethod(lambda: CoreDriver(lambda new_id, now: Core(PARAMETERS, new_id, now)))


TestCore = CoreMachine.TestCase
TestCore.settings = BOUNDS
