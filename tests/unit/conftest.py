"""Which event loop a test runs in, and which tests count for the coverage."""

import asyncio
import sys
from collections.abc import Callable, Generator, Mapping

import pytest
from hypothesis import is_hypothesis_test

from tests.support.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time for those that are marked ``virtual_time``."""
    if item.get_closest_marker("virtual_time") is not None:
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """What drawn examples happen to run over is not counted: it differs from run to run, and costs twice the time.

    Nor is what tests run over that are marked ``untraced``, because they do the same a hundred times.
    (pytest-cov's own mark for it does not stop the tracing in the processes of pytest-xdist.)
    """
    if not is_hypothesis_test(getattr(item, "obj", None)) and item.get_closest_marker("untraced") is None:
        return (yield)
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
