"""The log: one line an event, and nothing of callers in it, also when something raises."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from switchroom.runtime.settings import Settings
from switchroom.runtime.telemetry import configure_logging

NUMBER = "13800138000"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def _fail(caller: str) -> None:
    assert caller
    raise ValueError("it is broken")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_given_an_exception_then_its_place_is_logged_and_no_variable_of_it(
    log_format: Literal["json", "console"], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log_format=log_format))
    try:
        _fail(NUMBER)
    except ValueError:
        structlog.get_logger("ours").exception("thing.failed", contact_id="c1")
    written = capsys.readouterr().err
    assert "thing.failed" in written and "_fail" in written and "it is broken" in written
    assert NUMBER not in written


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_given_a_librarys_exception_then_what_it_quotes_is_left_out(
    log_format: Literal["json", "console"], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log_format=log_format))
    try:
        int(f"{NUMBER}x")
    except ValueError:
        logging.getLogger("aiohttp.server").error("Error handling request", exc_info=True)
    written = capsys.readouterr().err
    assert "Error handling request" in written and "ValueError" in written and __name__.rsplit(".", 1)[-1] in written
    assert NUMBER not in written


def test_json_is_one_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings())
    structlog.get_logger("ours").warning("thing.odd", reason="one\nforged", name="\x1b[31m")
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["reason"]) == ("thing.odd", "warning", "one\nforged")
