"""Agents, queues, flows and live calls: what the ACD, call control and the menus show and let be done."""

import asyncio
from collections.abc import Awaitable, Sequence
from http import HTTPStatus

import structlog
from aiohttp import web

from cti_bridge.api.endpoint import respond
from cti_bridge.api.models import StateRequest, TransferRequest
from cti_bridge.api.ports import Refused, UnknownAgent, UnknownContact
from cti_bridge.api.problems import Problem, forbidden, not_found
from cti_bridge.api.route import Context, Route
from switchroom.domain.ids import AgentId, ContactId
from switchroom.domain.views import AgentView, CallView, FlowView, QueueView
from switchroom.storage.accounts import Role

KEPT_WITHIN_S = 2.0
"""So long an agent's change waits to be written down."""

log = structlog.get_logger(__name__)


async def agents(context: Context) -> Sequence[AgentView]:
    if context.supervises:
        return context.api.agents.agents()
    mine = context.user.agent_id and context.api.agents.agent(context.user.agent_id)
    return [mine] if mine else []


async def set_state(context: Context) -> web.Response:
    agent_id = AgentId(context.http.match_info["id"])
    wish: StateRequest = context.body
    if not context.sees(agent_id):
        raise forbidden("agents change their own state only")
    try:
        agent = await context.api.agents.set_state(agent_id, wish.state, wish.reason)
    except UnknownAgent:
        raise not_found("agent") from None
    except Refused as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from error
    log.info("audit.agent_state", user=context.user.login, agent_id=agent_id, state=wish.state)
    status = await _kept(context)
    return respond(AgentView, context.api.agents.agent(agent_id) or agent, status)  # a call may have come meanwhile


async def _kept(context: Context) -> HTTPStatus:
    """OK once the change is written down, so that it outlives the server; ACCEPTED while the database is away."""
    try:
        async with asyncio.timeout(KEPT_WITHIN_S):
            await context.api.ledger.flush()
    except TimeoutError:
        return HTTPStatus.ACCEPTED
    return HTTPStatus.OK


async def queues(context: Context) -> Sequence[QueueView]:
    found = context.api.agents.queues()
    if context.supervises:
        return found
    mine = context.api.agents.queues_of(context.user.agent_id) if context.user.agent_id else ()
    return [queue for queue in found if queue.name in mine]


async def flows(context: Context) -> Sequence[FlowView]:
    return context.api.flows.flows()


async def hang_up(context: Context) -> web.Response:
    live = _live(context)
    await _done(context.api.calls.hang_up(live.contact_id))
    log.info("audit.call_hung_up", user=context.user.login, contact_id=live.contact_id)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def transfer(context: Context) -> web.Response:
    live, request = _live(context), context.body
    if request.queue not in {queue.name for queue in context.api.agents.queues()}:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"there is no queue `{request.queue}`")
    if live.agent_id is None:
        raise Problem(HTTPStatus.CONFLICT, "Only a call that is answered can be transferred.")
    await _done(context.api.calls.transfer(live.contact_id, live.agent_id, request.queue))
    log.info("audit.call_transferred", user=context.user.login, contact_id=live.contact_id, queue=request.queue)
    return web.Response(status=HTTPStatus.ACCEPTED)


def _live(context: Context) -> CallView:
    """The live call of the path, if the user may act on it."""
    live = context.api.calls.find(ContactId(context.http.match_info["id"]))
    if live is None or not context.sees(live.agent_id):
        raise not_found("live call")
    return live


async def _done(command: Awaitable[None]) -> None:
    try:
        await command
    except UnknownContact:
        raise not_found("live call") from None
    except Refused as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from error


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/agents",
        handle=agents,
        least=Role.AGENT,
        summary="Agents and their states; an agent sees themselves",
        answer=Sequence[AgentView],
    ),
    Route(
        method="PUT",
        path="/api/v1/agents/{id}/state",
        handle=set_state,
        least=Role.AGENT,
        summary="Be available (which also ends wrap-up), pause with a reason, or log out; 202 while it cannot be kept",
        body=StateRequest,
        answer=AgentView,
    ),
    Route(
        method="GET",
        path="/api/v1/queues",
        handle=queues,
        least=Role.AGENT,
        summary="Queues and who waits in them; an agent sees their own",
        answer=Sequence[QueueView],
    ),
    Route(
        method="GET",
        path="/api/v1/flows",
        handle=flows,
        least=Role.SUPERVISOR,
        summary="Menus, their numbers, published versions and errors",
        answer=Sequence[FlowView],
    ),
    Route(
        method="POST",
        path="/api/v1/contacts/{id}/actions/hangup",
        handle=hang_up,
        least=Role.AGENT,
        summary="End a live call; an agent may end their own",
        status=HTTPStatus.NO_CONTENT,
    ),
    Route(
        method="POST",
        path="/api/v1/contacts/{id}/actions/transfer",
        handle=transfer,
        least=Role.AGENT,
        summary="Send a contact who talks back into line, for a queue; what is known of them goes with them",
        body=TransferRequest,
        status=HTTPStatus.ACCEPTED,
    ),
)
