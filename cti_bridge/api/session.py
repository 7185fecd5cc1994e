"""Logging in and out."""

from http import HTTPStatus
from math import ceil

import structlog
from aiohttp import web

from cti_bridge.api.endpoint import respond
from cti_bridge.api.guard import COOKIE, csrf_token, has_bearer
from cti_bridge.api.models import Login, Session
from cti_bridge.api.problems import Problem
from cti_bridge.api.route import Api, Context, Route
from cti_bridge.tickets import DISPOSITIONS
from switchroom.storage.accounts import SESSION_LASTS, Role, User

PAUSE_REASONS = ("break", "lunch", "meeting", "training", "paperwork")

log = structlog.get_logger(__name__)


async def log_in(context: Context) -> web.Response:
    wish: Login = context.body
    api, address = context.api, context.http.remote or ""
    key = f"{address} {wish.login}"
    async with api.password_checks:
        # Asked when it is its turn: of guesses that come all at once none has failed yet when they arrive.
        if wait_s := max(api.logins.wait_s(key), api.addresses.wait_s(address)):
            detail = "too many failed attempts"
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after_s=ceil(wait_s))
        user = await api.accounts.check_password(wish.login, wish.password)
        if user is None:
            api.logins.failed(key)
            api.addresses.failed(address)
            log.warning("audit.login_failed", address=address)
            raise Problem(HTTPStatus.UNAUTHORIZED, "login or password is wrong")
    api.logins.succeeded(key)
    token = await api.accounts.start_session(user.login, api.clock.now())
    log.info("audit.logged_in", login=user.login, role=user.role)
    response = respond(Session, _session(api, user, csrf_token(token)))
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="Strict",
        # Behind a proxy that ends TLS our side of it is plain; the page's origin tells.
        secure=context.http.secure or context.http.headers.get("Origin", "").startswith("https://"),
    )
    return response


async def who_am_i(context: Context) -> Session:
    session = None if has_bearer(context.http) else context.http.cookies.get(COOKIE)
    return _session(context.api, context.user, csrf_token(session) if session else None)


async def log_out(context: Context) -> web.Response:
    if session := context.http.cookies.get(COOKIE):
        await context.api.accounts.end_session(session)
    context.api.hub.cut_user(context.user.login)
    log.info("audit.logged_out", login=context.user.login)
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    response.del_cookie(COOKIE, httponly=True, samesite="Strict")
    return response


def _session(api: Api, user: User, csrf: str | None) -> Session:
    agent = api.agents.agent(user.agent_id) if user.agent_id else None
    return Session(
        login=user.login,
        role=user.role,
        agent=agent,
        csrf=csrf,
        dispositions=DISPOSITIONS,
        pause_reasons=PAUSE_REASONS,
    )


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/session",
        handle=log_in,
        least=None,
        summary="Log in; sets the session cookie",
        body=Login,
        answer=Session,
    ),
    Route(
        method="GET",
        path="/api/v1/session",
        handle=who_am_i,
        least=Role.AGENT,
        summary="Who is logged in",
        answer=Session,
    ),
    Route(
        method="DELETE",
        path="/api/v1/session",
        handle=log_out,
        least=Role.AGENT,
        summary="Log out, and close the desktop's connections",
        status=HTTPStatus.NO_CONTENT,
    ),
)
