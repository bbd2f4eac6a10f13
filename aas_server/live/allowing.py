"""Where connections may lead: nobody who uploads a submodel decides that, the operator does."""

import ipaddress
from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

_PORTS = {"opc.tcp": 4840, "mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}


def allowed(base: str, patterns: Iterable[str]) -> bool:
    """Whether an endpoint is among those named: by scheme, host and port, or some of them; `*` is any part of a name.

    >>> allowed("opc.tcp://plc-1:4840/x", ["opc.tcp://plc-*"]), allowed("opc.tcp://10.1.2.3", ["10.0.0.0/8"])
    (True, True)
    >>> allowed("opc.tcp://127.0.0.1:4840", ["opc.tcp://127.0.0.1:4841", "mqtt://127.0.0.1", "plc"])
    False
    """
    parts = urlsplit(base)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return any(_matches(pattern, parts.scheme, (parts.hostname or "").rstrip("."), port) for pattern in patterns)


def _matches(pattern: str, scheme: str, host: str, port: int) -> bool:
    wanted, found, rest = pattern.rpartition("://")
    if found and wanted.lower() != scheme:
        return False
    name, number = _split(rest.rstrip("/"))
    if number and number != str(port):
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name)
    except (ValueError, TypeError):
        return fnmatchcase(host, name.lower().rstrip("."))


def _split(rest: str) -> tuple[str, str]:
    """Host and port; an IPv6 address stands in brackets where there is a port."""
    if rest.startswith("["):
        name, _, number = rest[1:].partition("]")
        return name, number.removeprefix(":")
    name, _, number = rest.rpartition(":") if rest.count(":") == 1 else (rest, "", "")
    return name, number


def check(patterns: Iterable[str]) -> None:
    """Raises ValueError for a pattern that names nothing."""
    for pattern in patterns:
        if not _split(pattern.rpartition("://")[2].rstrip("/"))[0]:
            raise ValueError(f"{pattern!r} names no host; it is like opc.tcp://plc-1:4840, 10.0.0.0/8 or *.example.org")
