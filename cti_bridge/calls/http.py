"""Acts on a live call."""

from collections.abc import Awaitable
from http import HTTPStatus

import structlog
from aiohttp import web

from cti_bridge.agents.port import AgentCommands
from cti_bridge.calls.port import CallCommands, LiveCalls
from cti_bridge.http.models import In
from cti_bridge.http.problems import Problem, not_found
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.call import TALKING
from switchroom.domain.errors import Refused, UnknownAgent, UnknownContact
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName
from switchroom.domain.user import Right
from switchroom.domain.views import CallView

log = structlog.get_logger(__name__)

_ACTIONS = "/api/v1/contacts/{id}/actions/"


class TransferRequest(In):
    """The queue where the contact is to wait again."""

    queue: QueueName


class ConsultRequest(In):
    """The agent who is asked."""

    agent: AgentId


class Calls(Capability):
    def __init__(self, calls: LiveCalls, commands: CallCommands, agents: AgentCommands) -> None:
        self._calls, self._commands, self._agents = calls, commands, agents

    async def hang_up(self, request: Request) -> web.Response:
        live = self._live(request)
        is_own = request.own is not None and live.agent_id == request.user.agent_id
        if is_own and live.state not in TALKING:
            raise Problem(HTTPStatus.CONFLICT, "You have not answered this call.")
        await _done(self._commands.hang_up(live.contact_id))
        log.info("audit.call_hung_up", user=request.user.login, contact_id=live.contact_id)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def hold(self, request: Request) -> web.Response:
        live, agent_id = self._answered(request)
        return await _taken(request, live, "held", self._commands.hold(live.contact_id, agent_id))

    async def resume(self, request: Request) -> web.Response:
        live, agent_id = self._answered(request)
        return await _taken(request, live, "resumed", self._commands.resume(live.contact_id, agent_id))

    async def consult(self, request: Request) -> web.Response:
        live, agent_id = self._answered(request)
        consulted: AgentId = request.body.agent
        extension = await self._reserved(consulted, live.contact_id)
        try:
            command = self._commands.consult(live.contact_id, agent_id, consulted, extension)
            return await _taken(request, live, "consults", command)
        except Exception:
            self._agents.release_consulted(consulted, live.contact_id)
            raise

    async def complete(self, request: Request) -> web.Response:
        live, agent_id = self._answered(request)
        return await _taken(request, live, "handed_over", self._commands.complete(live.contact_id, agent_id))

    async def conference(self, request: Request) -> web.Response:
        live, agent_id = self._answered(request)
        return await _taken(request, live, "conference", self._commands.conference(live.contact_id, agent_id))

    async def transfer(self, request: Request) -> web.Response:
        live, agent_id = self._answered(request)
        queue = request.body.queue
        if queue not in {known.name for known in self._agents.queues()}:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"there is no queue `{queue}`")
        return await _taken(
            request, live, "transferred", self._commands.transfer(live.contact_id, agent_id, queue), queue=queue
        )

    def _live(self, request: Request) -> CallView:
        """The live call of the path, if the user may act on it."""
        live = self._calls.find(ContactId(request.http.match_info["id"]))
        if live is None or not request.sees(live.agent_id):
            raise not_found("live call")
        return live

    def _answered(self, request: Request) -> tuple[CallView, AgentId]:
        """As `_live`, and the agent who has the caller."""
        live = self._live(request)
        if live.agent_id is None:
            raise Problem(HTTPStatus.CONFLICT, "Nobody has answered this call.")
        return live, live.agent_id

    async def _reserved(self, agent_id: AgentId, contact_id: ContactId) -> Extension:
        """Where the agent can be asked, who is reserved for it: not while they have a contact themselves."""
        try:
            return await self._agents.reserve_consulted(agent_id, contact_id)
        except UnknownAgent:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"there is no agent `{agent_id}`") from None
        except Refused as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from error

    ROUTES = (
        Route(
            method="POST",
            path=f"{_ACTIONS}hangup",
            handle=hang_up,
            needs=Right.ACT,
            summary="End a live call; an agent may end the one in which they talk",
            status=HTTPStatus.NO_CONTENT,
        ),
        Route(
            method="POST",
            path=f"{_ACTIONS}hold",
            handle=hold,
            needs=Right.ACT,
            summary="Let the caller hear music",
            status=HTTPStatus.ACCEPTED,
        ),
        Route(
            method="POST",
            path=f"{_ACTIONS}resume",
            handle=resume,
            needs=Right.ACT,
            summary="Go back to the caller, out of a hold or a consultation",
            status=HTTPStatus.ACCEPTED,
        ),
        Route(
            method="POST",
            path=f"{_ACTIONS}consult",
            handle=consult,
            needs=Right.ACT,
            summary="Call another agent, while the caller hears music",
            body=ConsultRequest,
            status=HTTPStatus.ACCEPTED,
        ),
        Route(
            method="POST",
            path=f"{_ACTIONS}complete",
            handle=complete,
            needs=Right.ACT,
            summary="Hand the caller over to the agent who was consulted",
            status=HTTPStatus.ACCEPTED,
        ),
        Route(
            method="POST",
            path=f"{_ACTIONS}conference",
            handle=conference,
            needs=Right.ACT,
            summary="Let the caller talk to both agents",
            status=HTTPStatus.ACCEPTED,
        ),
        Route(
            method="POST",
            path=f"{_ACTIONS}transfer",
            handle=transfer,
            needs=Right.ACT,
            summary="Send a contact who talks back into line, for a queue; what is known of them goes with them",
            body=TransferRequest,
            status=HTTPStatus.ACCEPTED,
        ),
    )


async def _taken(request: Request, live: CallView, what: str, command: Awaitable[None], **more: str) -> web.Response:
    """The softswitch has taken it; an event tells when it is done."""
    await _done(command)
    log.info(f"audit.call_{what}", user=request.user.login, contact_id=live.contact_id, **more)
    return web.Response(status=HTTPStatus.ACCEPTED)


async def _done(command: Awaitable[None]) -> None:
    try:
        await command
    except UnknownContact:
        raise not_found("live call") from None
    except Refused as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from error
