"""The ACD, its core and the whole of it, against everything that may happen, in any order."""

from hypothesis import settings

from acd.core.core import Core
from tests.support.acd_core_driver import CoreDriver
from tests.support.acd_machine import BOUNDS, AcdMachine
from tests.support.acd_shell import ShellDriver
from tests.support.acd_world import PARAMETERS


class CoreMachine(AcdMachine):
    make_driver = staticmethod(lambda: CoreDriver(lambda new_id, now: Core(PARAMETERS, new_id, now)))


TestCore = CoreMachine.TestCase
TestCore.settings = BOUNDS


class ShellMachine(AcdMachine):
    make_driver = ShellDriver


TestShell = ShellMachine.TestCase
TestShell.settings = settings(BOUNDS, max_examples=50)
