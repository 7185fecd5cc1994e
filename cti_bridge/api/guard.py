"""Who is asking, and may they: cookie or bearer token, role, cross-site protection. Deny unless the table allows."""

import asyncio
import hashlib
import hmac
from http import HTTPStatus

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from cti_bridge.api.problems import Problem, forbidden
from cti_bridge.api.route import Api, Route
from switchroom.storage.accounts import Role, User
from switchroom.storage.trouble import explain

COOKIE = "switchroom_session"
CSRF_HEADER = "X-CSRF-Token"
PATIENCE_S = 2.0
"""For the question who asks; a database that hangs is named, instead of hanging whoever asks."""
_RANK = {Role.AGENT: 0, Role.SUPERVISOR: 1, Role.ADMIN: 2}
_SAFE = ("GET", "HEAD")


async def identify(request: web.Request, api: Api) -> User | None:
    """The user of the bearer token or of the session cookie. Raises `Problem` while the database cannot be asked."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _known(request, api)
    except (OSError, SQLAlchemyError) as error:  # TimeoutError is an OSError
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"the database {explain(error)}") from error


async def _known(request: web.Request, api: Api) -> User | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await api.accounts.token_user(token.strip())
    session = request.cookies.get(COOKIE)
    return await api.accounts.session_user(session, api.clock.now()) if session else None


async def admit(request: web.Request, api: Api, route: Route) -> User | None:
    """The user, if the route may be called by them; raises `Problem` otherwise."""
    if request.method not in _SAFE:
        _refuse_foreign_origin(request, api)
    if route.least is None:
        return None
    user = await identify(request, api)
    if user is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "log in first")
    if _RANK[user.role] < _RANK[route.least]:
        raise forbidden(f"this needs the role {route.least}")
    if request.method not in _SAFE and not has_bearer(request):
        sent, due = request.headers.get(CSRF_HEADER, ""), csrf_token(request.cookies[COOKIE])
        if not hmac.compare_digest(sent.encode(errors="backslashreplace"), due.encode()):
            raise forbidden(f"the header {CSRF_HEADER} is missing or not this session's")
    return user


def has_bearer(request: web.Request) -> bool:
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def csrf_token(session: str) -> str:
    """Follows from the session's secret, which a page of another site can neither read nor guess."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def origin_allowed(request: web.Request, api: Api) -> bool:
    """Is the page that sends this one of ours? Compared exactly, scheme and port included.

    Behind a proxy that ends TLS the page's scheme is https and ours http, unless it is one of ``http.trusted_proxies``:
    then list such an origin in the settings.
    """
    origin = request.headers.get("Origin", "")
    return origin in api.origins or origin == f"{request.scheme}://{request.host}"


def _refuse_foreign_origin(request: web.Request, api: Api) -> None:
    if "Origin" in request.headers and not origin_allowed(request, api):
        raise forbidden("this page may not talk to us")
