"""Is the server alive, is it ready, and how is it doing."""

import asyncio
from http import HTTPStatus

import structlog
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from cti_bridge.api.endpoint import respond
from cti_bridge.api.models import CheckResult, Readiness
from cti_bridge.api.route import Check, Context, Route
from switchroom.domain.errors import NotReady
from switchroom.storage.accounts import Role

CHECK_TIMEOUT_S = 3.0

log = structlog.get_logger(__name__)


async def healthz(_: Context) -> web.Response:
    return web.Response(text="ok\n")


async def readyz(context: Context) -> web.Response:
    checks = context.api.checks
    results = dict(zip(checks, await asyncio.gather(*(_result(*check) for check in checks.items())), strict=True))
    ready = all(result.ok for result in results.values())
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return respond(Readiness, Readiness(ready=ready, checks=results), status)


async def metrics(context: Context) -> web.Response:
    body = generate_latest(context.api.metrics)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


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


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        handle=healthz,
        least=None,
        summary="The server is alive",
        media_type="text/plain",
    ),
    Route(
        method="GET",
        path="/readyz",
        handle=readyz,
        least=Role.AGENT,
        summary="Each thing that the server needs, by name; 503 when one is missing",
        answer=Readiness,
    ),
    Route(
        method="GET",
        path="/metrics",
        handle=metrics,
        least=Role.SUPERVISOR,
        summary="Figures for Prometheus",
        media_type="text/plain",
    ),
)
