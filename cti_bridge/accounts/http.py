"""Logging in and out."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import get_args

import structlog
from aiohttp import web
from pydantic import Field

from cti_bridge.agents.port import AgentCommands, PauseReason
from cti_bridge.http.endpoint import respond
from cti_bridge.http.guard import COOKIE, csrf_token, has_bearer
from cti_bridge.http.kept import kept
from cti_bridge.http.models import In
from cti_bridge.http.problems import Problem
from cti_bridge.http.route import Capability, Request, Route
from cti_bridge.http.throttle import Throttle
from cti_bridge.live.hub import Hub
from cti_bridge.tickets.service import DISPOSITIONS
from switchroom.domain.errors import Refused
from switchroom.domain.ids import Extension
from switchroom.domain.user import Right, Role, User
from switchroom.domain.views import AgentView
from switchroom.runtime.clock import Clock
from switchroom.storage.accounts import SESSION_LASTS, Accounts
from switchroom.storage.ledger import Ledger

log = structlog.get_logger(__name__)


class Login(In):
    login: str = Field(min_length=1, max_length=80)
    password: str = Field(min_length=1, max_length=200)
    desk: Extension | None = None
    """The phone where the agent sits from now on; without it they sit where they sat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAnswer:
    """Who is logged in, and the words that their desktop offers. ``csrf`` goes into the header of every change."""

    login: str
    role: Role
    agent: AgentView | None
    csrf: str | None
    dispositions: Sequence[str]
    pause_reasons: Sequence[str]


class Sessions(Capability):
    def __init__(self, accounts: Accounts, clock: Clock, agents: AgentCommands, hub: Hub, ledger: Ledger) -> None:
        self._accounts, self._clock, self._agents, self._hub, self._ledger = accounts, clock, agents, hub, ledger
        self._logins, self._addresses = Throttle(clock, limit=5), Throttle(clock, limit=50)
        self._password_checks = asyncio.Semaphore(2)

    async def log_in(self, request: Request) -> web.Response:
        wanted: Login = request.body
        address = request.http.remote or ""
        key = f"{address} {wanted.login}"
        async with self._password_checks:
            # Asked when it is its turn: of guesses that come all at once none has failed yet when they arrive.
            if wait_s := max(self._logins.wait_s(key), self._addresses.wait_s(address)):
                detail = "too many failed attempts"
                raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after_s=ceil(wait_s))
            user = await self._accounts.check_password(wanted.login, wanted.password)
            if user is None:
                self._logins.failed(key)
                self._addresses.failed(address)
                log.warning("audit.login_failed", address=address)
                raise Problem(HTTPStatus.UNAUTHORIZED, "login or password is wrong")
        self._logins.succeeded(key)
        try:
            await self._sit(user, wanted.desk)
        except Refused as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        token = await self._accounts.start_session(user.login, self._clock.now())
        log.info("audit.logged_in", login=user.login, role=user.role)
        status = HTTPStatus.OK if user.agent_id is None else await kept(self._ledger)  # where they sit
        response = respond(SessionAnswer, self._session(user, csrf_token(token)), status)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(SESSION_LASTS.total_seconds()),
            httponly=True,
            samesite="Strict",
            # Behind a proxy that ends TLS our side of it is plain; the page's origin tells.
            secure=request.http.secure or request.http.headers.get("Origin", "").startswith("https://"),
        )
        return response

    async def _sit(self, user: User, desk: Extension | None) -> None:
        if desk is None:
            if user.agent_id is not None:
                self._agents.sit(user.agent_id)
            return
        if user.agent_id is None:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "only agents sit at a desk")
        if desk not in self._agents.phones():
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"there is no phone {desk} here")
        await self._agents.take_desk(user.agent_id, desk)
        log.info("audit.desk_taken", login=user.login, extension=desk)

    async def who_am_i(self, request: Request) -> SessionAnswer:
        session = None if has_bearer(request.http) else request.http.cookies.get(COOKIE)
        return self._session(request.user, csrf_token(session) if session else None)

    async def log_out(self, request: Request) -> web.Response:
        if session := request.http.cookies.get(COOKIE):
            await self._accounts.end_session(session)
        self._hub.cut_user(request.user.login)
        log.info("audit.logged_out", login=request.user.login)
        response = web.Response(status=HTTPStatus.NO_CONTENT)
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        return response

    def _session(self, user: User, csrf: str | None) -> SessionAnswer:
        agent = self._agents.agent(user.agent_id) if user.agent_id else None
        return SessionAnswer(
            login=user.login,
            role=user.role,
            agent=agent,
            csrf=csrf,
            dispositions=DISPOSITIONS,
            pause_reasons=get_args(PauseReason),
        )

    ROUTES = (
        Route(
            method="POST",
            path="/api/v1/session",
            handle=log_in,
            needs=None,
            summary="Log in; sets the session cookie; 202 while the agent's desk is not kept",
            body=Login,
            answer=SessionAnswer,
        ),
        Route(
            method="GET",
            path="/api/v1/session",
            handle=who_am_i,
            needs=Right.BE_KNOWN,
            summary="Who is logged in",
            answer=SessionAnswer,
        ),
        Route(
            method="DELETE",
            path="/api/v1/session",
            handle=log_out,
            needs=Right.BE_KNOWN,
            summary="Log out, and close the desktop's connections",
            status=HTTPStatus.NO_CONTENT,
        ),
    )
