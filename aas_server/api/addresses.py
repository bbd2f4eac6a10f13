"""Where clients reach this server: what the settings say, or else the address that the request was sent to."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from aas_server.model.descriptors import Address, addresses_below
from aas_server.model.errors import Malformed

_HOST = re.compile(r"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\Z").match
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*/?\Z").match

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Addressing:
    """The public address of the server, where it is known, and the proxies that may tell it of a request."""

    external_url: str = ""
    proxies: tuple[Network, ...] = ()


ADDRESSING = web.AppKey("addressing", Addressing)


def addresses(request: web.Request) -> tuple[Address, ...]:
    """Where the caller reaches each version of the API."""
    return addresses_below(root(request))


def root(request: web.Request) -> str:
    """The address of the server's root. Raises Malformed for a Host that is none."""
    addressing = request.app[ADDRESSING]
    if addressing.external_url:
        return addressing.external_url
    told = dict(_told(request)) if _trusted(request, addressing.proxies) else {}
    scheme, prefix = told.get("proto", request.scheme), told.get("prefix", "")
    host = told.get("host") or request.headers.get("Host") or _own(request)
    if not _HOST(host) or scheme not in ("http", "https") or not _PREFIX(prefix):
        raise Malformed(f"the request was sent to {f'{scheme}://{host}{prefix}'[:200]!r}, which is no address")
    return f"{scheme}://{host}{prefix}"


def _own(request: web.Request) -> str:
    """Where the connection arrived, for a client of HTTP 1.0 that names no host."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    match name:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ""


def _trusted(request: web.Request, proxies: tuple[Network, ...]) -> bool:
    try:
        peer = ipaddress.ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return False  # a Unix socket has no address
    mapped = getattr(peer, "ipv4_mapped", None) or peer
    return any(mapped in network for network in proxies)


def _told(request: web.Request) -> Iterator[tuple[str, str]]:
    """What the proxy next to us says of the request as it got it: the last of several values, which it added itself.

    Forwarded (RFC 7239) goes before the X-Forwarded headers.
    """
    for name in ("Proto", "Host", "Prefix"):
        if values := request.headers.getall(f"X-Forwarded-{name}", []):
            yield name.lower(), values[-1].rpartition(",")[2].strip()
    if request.forwarded:
        for name in ("proto", "host"):
            if value := request.forwarded[-1].get(name, ""):
                yield name, value
