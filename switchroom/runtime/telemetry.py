"""Logging: structured, to standard error, one line an event; no names, numbers, digits or words of callers in it."""

import logging
import sys
import traceback

import structlog

from switchroom.runtime.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Set up structlog for the whole process, and bring the libraries' own logging into the same stream."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        # The plain traceback: the default one shows every frame's variables, callers' numbers among them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer]
        if settings.log_format == "json"
        else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=[*shared, _without_text])
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _without_text(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """A library's exception: its kind and its place. Its text may quote what was sent to us."""
    error = (event.pop("exc_info", None) or (None, None, None))[1]
    if error is not None:
        frames = "".join(traceback.format_tb(error.__traceback__))
        event["exception"] = f"{frames}{type(error).__name__}"
    return event
