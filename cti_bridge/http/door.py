"""The first look at a request: is it meant for us, and who sent it when a proxy of ours stands between.

A page of another site whose name is made to point here (DNS rebinding) sends that name as Host: it is not one of ours.
"""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from cti_bridge.http.problems import Problem

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def our_names(hosts: Iterable[str], origins: Iterable[str]) -> frozenset[str]:
    """The host names under which we are asked for, in lower case."""
    machine = socket.gethostname()
    outside = (urlsplit(origin).hostname or "" for origin in origins)
    return frozenset(name.lower() for name in ("localhost", machine, machine.split(".")[0], *hosts, *outside))


def is_ours(host: str, names: frozenset[str]) -> bool:
    """Is this Host header one of ours? An address always is: no foreign name leads there.

    >>> [is_ours(host, frozenset({"cc.example.com"})) for host in ("CC.example.com.:8400", "10.1.2.3:8400", "[::1]:80")]
    [True, True, True]
    >>> [is_ours(host, frozenset({"cc.example.com"})) for host in ("evil.example", "cc.example.com.evil.example", "")]
    [False, False, False]
    >>> [is_ours(host, frozenset({"cc.example.com"})) for host in ("evil]", "[evil")]
    [False, False]
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # brackets that are no address's
        return False
    return name in names or _address(name) is not None


def sender(remote: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The client's address: the last one in ``forwarded`` (X-Forwarded-For) that no proxy of ours has.

    What stands before it may be invented. From anybody but a trusted proxy the header means nothing.

    >>> ours = [ipaddress.ip_network("10.0.0.0/8")]
    >>> sender("10.0.0.1", ["6.6.6.6, 198.51.100.7, 10.0.0.2"], ours), sender("6.6.6.6", ["198.51.100.7"], ours)
    ('198.51.100.7', '6.6.6.6')
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    while hops and is_trusted(remote, trusted):
        found = _address(hops.pop())
        if found is None:
            break  # the proxy says what is no address: it is the last that we know of
        remote = str(found)
    return remote


def is_trusted(remote: str, trusted: Sequence[Network]) -> bool:
    address = _address(remote)
    return address is not None and any(address in network for network in trusted)


def door(names: frozenset[str], trusted: Sequence[Network]) -> Middleware:
    """Refuses what is meant for others; takes the client's address and scheme from our own proxies."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if host is not None and not is_ours(host, names):
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name; see the setting http.hosts")
        remote = request.remote or ""
        if is_trusted(remote, trusted):
            scheme = request.headers.getall("X-Forwarded-Proto", [request.scheme])[-1].split(",")[-1].strip().lower()
            request = request.clone(
                remote=sender(remote, request.headers.getall("X-Forwarded-For", []), trusted),
                scheme=scheme if scheme in ("http", "https") else request.scheme,
            )
        return await handler(request)

    return middleware


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
