"""Python's cyclic garbage collector, set so that it does not hold the loop while ten thousand callers wait.

A full collection looks at everything that lives, 100 ms for a million objects; cycles here are young (an exception with
its frames) and are found by the two small collections, of at most some 5,000 objects.
"""

import gc

SMALL = 700
"""Allocations (less deallocations) from one collection of the youngest to the next."""
MIDDLE = 5
FULL = 100_000
"""Middle collections before a full one: after 350 million objects more than were freed."""


def spare_the_loop() -> None:
    """Call it once everything is loaded: that stays, and is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(SMALL, MIDDLE, FULL)
