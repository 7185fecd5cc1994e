"""Turns a row of the route table into aiohttp's handler: rights, form, answer, and every error as problem details."""

import json
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, TypeAdapter, ValidationError

from cti_bridge.http.guard import Guard
from cti_bridge.http.problems import Problem, invalid, not_found
from cti_bridge.http.route import Capability, Request, Route

Model = TypeVar("Model", bound=BaseModel)

log = structlog.get_logger(__name__)

_adapters: dict[Any, TypeAdapter[Any]] = {}


def respond(kind: Any, value: Any, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """``value`` as JSON of the type ``kind``; times become RFC 3339."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return web.Response(
        status=status,
        body=_adapters[kind].dump_json(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def endpoint(guard: Guard, capability: Capability, route: Route) -> Handler:
    """aiohttp's handler for a row of the capability's table."""

    async def handler(request: web.Request) -> web.StreamResponse:
        caller = await guard.admit(request, route)
        if any("\0" in value for value in request.match_info.values()):  # PostgreSQL takes no such text
            raise not_found("resource")
        asked = Request(
            http=request,
            caller=caller,
            team=guard.led_by(caller),
            body=await _body(request, route.body) if route.body else None,
            query=_query(request, route.query) if route.query else None,
        )
        answer = await route.handle(capability, asked)
        if isinstance(answer, web.StreamResponse):
            return answer
        return respond(route.answer, answer, route.status)

    return handler


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Each error is said in one shape, and one of our own is logged."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return Problem(HTTPStatus(error.status)).response()
    except Exception:
        log.exception("api.failed", method=request.method, route=route_name(request))
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR).response()


def route_name(request: web.Request) -> str:
    """The route's pattern, without the values in it: for logs and metrics."""
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical


async def _body(request: web.Request, model: type[Model]) -> Model:
    # A form of another site can send text/plain, but not JSON, without the browser asking us first.
    if request.content_type != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    try:
        sent = await request.read()
    except web.RequestPayloadError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is not in its Content-Encoding") from error
    try:
        return model.model_validate(json.loads(sent))
    except ValidationError as error:
        raise invalid(error, "body") from error
    except (ValueError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is not JSON") from error


def _query(request: web.Request, model: type[Model]) -> Model:
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise invalid(error, "query") from error
