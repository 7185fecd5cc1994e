"""How our HTTP servers listen, and what they say of themselves."""

from aiohttp import web, web_response

from switchroom.settings import SettingsError, port_taken

# aiohttp puts its own and Python's version on every answer, also on those that no handler of ours sees (what is no
# HTTP); there is no setting for it.
web_response.SERVER_SOFTWARE = "Switchroom"  # type: ignore[attr-defined]


async def listen(app: web.Application, host: str, port: int, what: str, setting: str) -> web.AppRunner:
    """Serve ``app`` until the runner is cleaned up. Raises `SettingsError` with the ``setting`` of a taken port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(port_taken(host, port, what, setting, error)) from None
    return runner
