"""``switchroom serve``: the server itself."""

import asyncio
import signal

import typer

from server.app import Server
from server.cli.run import read_settings
from switchroom.runtime.background import end_all_others
from switchroom.runtime.garbage import spare_the_loop
from switchroom.runtime.heartbeat import watched
from switchroom.runtime.home import claim
from switchroom.runtime.telemetry import configure_logging


def serve() -> None:
    """Run the server until it is told to stop. Asterisk is started apart (`switchroom asterisk start`)."""
    settings = read_settings()
    configure_logging(settings)
    with claim(settings.home, "switchroom serve"):
        asyncio.run(_serve(Server(settings)))


async def _serve(server: Server) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop.set)
    try:
        await server.start()
        spare_the_loop()
        async with watched():
            typer.echo(f"switchroom: ready at {server.url}")
            await told_to_stop.wait()
    finally:
        await server.stop()
        await end_all_others()
