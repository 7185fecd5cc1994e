"""Agents and queues: what the ACD shows and lets be done."""

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from aiohttp import web

from cti_bridge.agents.port import AgentCommands, PauseReason, RequestedState
from cti_bridge.http.endpoint import respond
from cti_bridge.http.kept import kept
from cti_bridge.http.models import In
from cti_bridge.http.problems import Problem, forbidden, not_found
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.errors import Refused, UnknownAgent
from switchroom.domain.ids import AgentId
from switchroom.domain.user import Right
from switchroom.domain.views import AgentView, QueueView
from switchroom.storage.ledger import Ledger

log = structlog.get_logger(__name__)


class StateRequest(In):
    """``reason`` is why the agent pauses."""

    state: RequestedState
    reason: PauseReason | None = None


class Agents(Capability):
    def __init__(self, agents: AgentCommands, ledger: Ledger) -> None:
        self._agents, self._ledger = agents, ledger

    async def agents(self, request: Request) -> Sequence[AgentView]:
        own = request.own
        if own is None:
            return self._agents.agents()
        return [agent for agent_id in sorted(own) if (agent := self._agents.agent(agent_id)) is not None]

    async def set_state(self, request: Request) -> web.Response:
        agent_id = AgentId(request.http.match_info["id"])
        wanted: StateRequest = request.body
        if not request.sees(agent_id):
            raise forbidden("agents change their own state only")
        try:
            agent = await self._agents.set_state(agent_id, wanted.state, wanted.reason)
        except UnknownAgent:
            raise not_found("agent") from None
        except Refused as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from error
        log.info("audit.agent_state", user=request.user.login, agent_id=agent_id, state=wanted.state)
        status = await kept(self._ledger)
        return respond(AgentView, self._agents.agent(agent_id) or agent, status)  # a call may have come meanwhile

    async def queues(self, request: Request) -> Sequence[QueueView]:
        found, own = self._agents.queues(), request.own
        if own is None:
            return found
        names = {name for agent_id in own for name in self._agents.queues_of(agent_id)}
        return [queue for queue in found if queue.name in names]

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/agents",
            handle=agents,
            needs=Right.READ,
            summary="Agents and their states; an agent sees themselves, a leader the team",
            answer=Sequence[AgentView],
        ),
        Route(
            method="PUT",
            path="/api/v1/agents/{id}/state",
            handle=set_state,
            needs=Right.ACT,
            summary="Be available (which also ends wrap-up), pause with a reason, or log out; 202 while it is not kept",
            body=StateRequest,
            answer=AgentView,
        ),
        Route(
            method="GET",
            path="/api/v1/queues",
            handle=queues,
            needs=Right.READ,
            summary="Queues and who waits in them; an agent sees their own",
            answer=Sequence[QueueView],
        ),
    )
