"""The state machine against an ACD with bugs planted in it: one that it does not find would show that it is blind."""

import pytest
from hypothesis import Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from acd.core.agents import IllegalMove
from acd.offers import IllegalOfferMove
from tests.support.acd_machine import BOUNDS, AcdMachine, CoreDriver
from tests.support.planted_bugs import BUGS

HUNT = settings(BOUNDS, max_examples=400, verbosity=Verbosity.quiet)


@pytest.mark.parametrize("name", BUGS)
def test_given_a_planted_bug_then_the_machine_finds_it(name: str) -> None:
    class WithBug(AcdMachine):
        make_driver = staticmethod(lambda: CoreDriver(BUGS[name]))

    with pytest.raises((AssertionError, IllegalMove, IllegalOfferMove)):
        run_state_machine_as_test(WithBug, settings=HUNT)
