"""The state machine against an ACD with bugs planted in it: one that it does not find would show that it is blind."""

import pytest
from hypothesis import Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from acd.core.agents import IllegalMove
from acd.core.offers import IllegalOfferMove
from tests.support.acd_core_driver import CoreDriver
from tests.support.acd_machine import BOUNDS, AcdMachine
from tests.support.acd_shell import ShellDriver
from tests.support.planted_bugs import BUGS
from tests.support.planted_shell_bugs import SHELL_BUGS

HUNT = settings(BOUNDS, max_examples=1000, verbosity=Verbosity.quiet)


FINDINGS = (AssertionError, IllegalMove, IllegalOfferMove)
"""What must hold does not, or what must not be done is tried."""


@pytest.mark.parametrize("name", BUGS)
def test_given_a_planted_bug_then_the_machine_finds_it(name: str) -> None:
    class WithBug(AcdMachine):
        make_driver = staticmethod(lambda: CoreDriver(BUGS[name]))

    with pytest.raises(FINDINGS):
        run_state_machine_as_test(WithBug, settings=HUNT)


@pytest.mark.parametrize("name", SHELL_BUGS)
def test_given_a_bug_planted_in_the_shell_then_the_machine_finds_it(name: str) -> None:
    class WithBug(AcdMachine):
        make_driver = staticmethod(lambda: ShellDriver(SHELL_BUGS[name]))

    with pytest.raises(FINDINGS):
        run_state_machine_as_test(WithBug, settings=HUNT)
