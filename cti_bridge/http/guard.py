"""Who is asking, and may they: cookie or bearer token, rights, cross-site protection. Deny unless the table allows."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from cti_bridge.http.problems import Problem, forbidden
from cti_bridge.http.route import Route
from switchroom.domain.ids import AgentId, TeamName
from switchroom.domain.user import User
from switchroom.runtime.clock import Clock
from switchroom.storage.accounts import Accounts
from switchroom.storage.trouble import explain

COOKIE = "switchroom_session"
CSRF_HEADER = "X-CSRF-Token"
PATIENCE_S = 2.0
"""For the question who asks; a database that hangs is named, instead of hanging the one who asks."""
_SAFE = ("GET", "HEAD")

Team = Callable[[TeamName], frozenset[AgentId]]
"""The agents of a team."""


class Guard:
    """``origins`` are those of pages that may change things and listen, besides our own."""

    def __init__(self, accounts: Accounts, clock: Clock, team: Team, origins: tuple[str, ...] = ()) -> None:
        self._accounts, self._clock, self._team, self._origins = accounts, clock, team, origins

    async def identify(self, request: web.Request) -> User | None:
        """The user of the bearer token or of the session cookie. Raises `Problem` if the database cannot be asked."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._known(request)
        except (OSError, SQLAlchemyError) as error:  # TimeoutError is an OSError
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"the database {explain(error)}") from error

    async def admit(self, request: web.Request, route: Route) -> User | None:
        """The user, if the route may be called by them; raises `Problem` otherwise."""
        if request.method not in _SAFE and "Origin" in request.headers and not self.origin_allowed(request):
            raise forbidden("this page may not talk to us")
        if route.needs is None:
            return None
        user = await self.identify(request)
        if user is None:
            raise Problem(HTTPStatus.UNAUTHORIZED, "log in first")
        if not user.may(route.needs):
            raise forbidden(f"the role {user.role} has not the right to this: {route.needs}")
        if request.method not in _SAFE and not has_bearer(request):
            sent, due = request.headers.get(CSRF_HEADER, ""), csrf_token(request.cookies[COOKIE])
            if not hmac.compare_digest(sent.encode(errors="backslashreplace"), due.encode()):
                raise forbidden(f"the header {CSRF_HEADER} is missing or not this session's")
        return user

    def led_by(self, user: User | None) -> frozenset[AgentId]:
        """The agents of the team that the user leads."""
        return self._team(user.team) if user is not None and user.team is not None else frozenset()

    def origin_allowed(self, request: web.Request) -> bool:
        """Is the page that sends this one of ours? Compared exactly, scheme and port included.

        Behind a proxy that ends TLS the page's scheme is https and ours http, unless it is one of
        ``http.trusted_proxies``: then list such an origin in the settings.
        """
        origin = request.headers.get("Origin", "")
        return origin in self._origins or origin == f"{request.scheme}://{request.host}"

    async def _known(self, request: web.Request) -> User | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._accounts.token_user(token.strip())
        session = request.cookies.get(COOKIE)
        return await self._accounts.session_user(session, self._clock.now()) if session else None


def has_bearer(request: web.Request) -> bool:
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def csrf_token(session: str) -> str:
    """Follows from the session's secret, which a page of another site can neither read nor guess."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()
