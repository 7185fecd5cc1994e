"""Errors as problem details (RFC 9457): one shape for programs, one sentence for people."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import ValidationError


class Problem(Exception):
    """Ends a request with ``status``; ``detail`` is shown to the one who asked."""

    def __init__(self, status: HTTPStatus, detail: str = "", *, retry_after_s: int | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}

    def response(self) -> web.Response:
        body = {"type": "about:blank", "title": self.status.phrase, "status": int(self.status), **self.more}
        if self.detail:
            body["detail"] = self.detail
        return web.Response(
            status=self.status,
            headers=self.headers,
            body=json.dumps(body, ensure_ascii=False).encode(),
            content_type="application/problem+json",
        )


def invalid(error: ValidationError, where: str) -> Problem:
    """What is wrong with a body or a query, field by field, without repeating what was sent."""
    errors: Sequence[dict[str, Any]] = [
        {"field": ".".join(str(part) for part in found["loc"]), "message": found["msg"]}
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the {where} is not what is expected here", errors=errors)


def not_found(what: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"no such {what}")


def forbidden(why: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, why)
