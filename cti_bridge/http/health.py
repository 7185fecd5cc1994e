"""Is the server alive, is it ready, and how is it doing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from cti_bridge.http.endpoint import respond
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.errors import NotReady
from switchroom.domain.user import Right

CHECK_TIMEOUT_S = 3.0

Check = Callable[[], Awaitable[str | None]]
"""Raises `NotReady` (or anything else, of which only the kind is told) when what it looks at is not ready."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    ready: bool
    checks: Mapping[str, CheckResult]


class Health(Capability):
    """``checks`` are what `/readyz` names."""

    def __init__(self, checks: Mapping[str, Check], registry: CollectorRegistry) -> None:
        self._checks, self._registry = checks, registry

    async def healthz(self, _: Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(self, _: Request) -> web.Response:
        found = await asyncio.gather(*(_result(*check) for check in self._checks.items()))
        results = dict(zip(self._checks, found, strict=True))
        ready = all(result.ok for result in results.values())
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return respond(Readiness, Readiness(ready=ready, checks=results), status)

    async def metrics(self, _: Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    ROUTES = (
        Route(
            method="GET",
            path="/healthz",
            handle=healthz,
            needs=None,
            summary="The server is alive",
            media_type="text/plain",
        ),
        Route(
            method="GET",
            path="/readyz",
            handle=readyz,
            needs=Right.BE_KNOWN,
            summary="Each thing that the server needs, by name; 503 when one is missing",
            answer=Readiness,
        ),
        Route(
            method="GET",
            path="/metrics",
            handle=metrics,
            needs=Right.READ_METRICS,
            summary="Figures for Prometheus",
            media_type="text/plain",
        ),
    )


async def _result(name: str, check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            detail = await check()
        return CheckResult(ok=True, detail=detail or "")
    except NotReady as error:
        detail = str(error)
    except TimeoutError:
        detail = f"no answer within {CHECK_TIMEOUT_S:g} s"
    except Exception as error:
        detail = type(error).__name__
    log.warning("readiness.failed", check=name, detail=detail)
    return CheckResult(ok=False, detail=detail)
