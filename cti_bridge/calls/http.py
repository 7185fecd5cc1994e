"""Acts on a live call."""

from collections.abc import Awaitable
from http import HTTPStatus

import structlog
from aiohttp import web

from cti_bridge.agents.port import AgentCommands
from cti_bridge.calls.port import CallCommands
from cti_bridge.http.models import In
from cti_bridge.http.problems import Problem, not_found
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.ids import ContactId, QueueName
from switchroom.domain.user import Right
from switchroom.domain.views import CallView

log = structlog.get_logger(__name__)


class TransferRequest(In):
    """The queue where the contact is to wait again."""

    queue: QueueName


class Calls(Capability):
    def __init__(self, calls: CallCommands, agents: AgentCommands) -> None:
        self._calls, self._agents = calls, agents

    async def hang_up(self, request: Request) -> web.Response:
        live = self._live(request)
        await _done(self._calls.hang_up(live.contact_id))
        log.info("audit.call_hung_up", user=request.user.login, contact_id=live.contact_id)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def transfer(self, request: Request) -> web.Response:
        live, queue = self._live(request), request.body.queue
        if queue not in {known.name for known in self._agents.queues()}:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"there is no queue `{queue}`")
        if live.agent_id is None:
            raise Problem(HTTPStatus.CONFLICT, "Only a call that is answered can be transferred.")
        await _done(self._calls.transfer(live.contact_id, live.agent_id, queue))
        log.info("audit.call_transferred", user=request.user.login, contact_id=live.contact_id, queue=queue)
        return web.Response(status=HTTPStatus.ACCEPTED)

    def _live(self, request: Request) -> CallView:
        """The live call of the path, if the user may act on it."""
        live = self._calls.find(ContactId(request.http.match_info["id"]))
        if live is None or not request.sees(live.agent_id):
            raise not_found("live call")
        return live

    ROUTES = (
        Route(
            method="POST",
            path="/api/v1/contacts/{id}/actions/hangup",
            handle=hang_up,
            needs=Right.ACT,
            summary="End a live call; an agent may end their own",
            status=HTTPStatus.NO_CONTENT,
        ),
        Route(
            method="POST",
            path="/api/v1/contacts/{id}/actions/transfer",
            handle=transfer,
            needs=Right.ACT,
            summary="Send a contact who talks back into line, for a queue; what is known of them goes with them",
            body=TransferRequest,
            status=HTTPStatus.ACCEPTED,
        ),
    )


async def _done(command: Awaitable[None]) -> None:
    try:
        await command
    except UnknownContact:
        raise not_found("live call") from None
    except Refused as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from error
