"""The agent's desktop: built files, served under a policy that lets no foreign script in."""

import asyncio
import mimetypes
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from cti_bridge.http.problems import Problem, not_found
from cti_bridge.http.route import Capability, Request, Route

FRONT = "index.html"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """Put the protecting headers on every answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


class Pages(Capability):
    """The built files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def front(self, _: Request) -> web.Response:
        raise web.HTTPFound("/desktop/")

    async def desktop(self, request: Request) -> web.StreamResponse:
        """A built file by its name, if it lies in the folder."""
        name = request.http.match_info.get("file") or FRONT
        path = await asyncio.to_thread(_inside, self._folder, name)
        if path is None and await asyncio.to_thread(_inside, self._folder, FRONT) is None:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the desktop is not built yet: run script/setup")
        if path is None:
            raise not_found("page")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # Names under assets/ carry a hash of their content: they never change.
        cache = "public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache"
        return web.FileResponse(path, headers={"Content-Type": kind, "Cache-Control": cache})

    ROUTES = (
        Route(method="GET", path="/", handle=front, needs=None, summary="", documented=False),
        Route(method="GET", path="/desktop", handle=front, needs=None, summary="", documented=False),
        Route(method="GET", path="/desktop/{file:.*}", handle=desktop, needs=None, summary="", documented=False),
    )


def _inside(folder: Path, name: str) -> Path | None:
    """The file, links followed, unless it is none or lies outside."""
    try:
        path = (folder / name).resolve()
        return path if path.is_file() and path.is_relative_to(folder.resolve()) else None
    except (OSError, ValueError):  # a name that no file can have
        return None
