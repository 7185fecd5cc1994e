"""A route as a row of a table: what it needs, what goes in and comes out. Router, rights and OpenAPI read the same.

A capability is a class whose methods answer requests and whose ``ROUTES`` are its rows. Nothing is reachable that is
not in a table, and nothing in it is open unless it says so.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from aiohttp import web
from pydantic import BaseModel

from switchroom.domain.ids import AgentId
from switchroom.domain.user import Right, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, after its rights and its form were checked. ``body`` and ``query`` are of the route's models."""

    http: web.Request
    caller: User | None
    team: frozenset[AgentId]
    """Who is in the team that the caller leads."""
    body: Any
    query: Any

    @property
    def user(self) -> User:
        assert self.caller is not None, "only open routes have nobody"
        return self.caller

    @property
    def own(self) -> frozenset[AgentId] | None:
        """The agents whose things the caller sees; None for everybody's."""
        if self.user.sees_all:
            return None
        mine = {self.user.agent_id} if self.user.agent_id is not None and self.user.may(Right.READ) else set()
        return self.team | mine

    def sees(self, agent_id: AgentId | None) -> bool:
        """Agents see what is theirs, leaders what is their team's, supervisors everything."""
        own = self.own
        return own is None or agent_id in own

    @property
    def sees_numbers(self) -> bool:
        """Customers' numbers in full."""
        return self.user.may(Right.READ_NUMBERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``handle`` is a method of the capability; ``needs`` the right to call it, None leaves it open to anybody."""

    method: str
    path: str
    handle: Callable[[Any, Request], Awaitable[Any]]
    needs: Right | None
    summary: str
    answer: Any = None
    status: HTTPStatus = HTTPStatus.OK
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    media_type: str = "application/json"
    documented: bool = True


class Capability:
    """What the server can do for people in one matter: methods that answer, and their rows."""

    ROUTES: ClassVar[tuple[Route, ...]]
