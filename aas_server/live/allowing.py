"""Where connections may lead: nobody who uploads a submodel decides that, the operator does."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

#: An address with the length of a prefix, as no host with a path looks.
_NETWORK = re.compile(r"[0-9a-fA-F:.]*[.:][0-9a-fA-F:.]*/\d{1,3}\Z").match
_PORTS = {"opc.tcp": 4840, "mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}


def allowed(base: str, patterns: Iterable[str]) -> bool:
    """Whether an endpoint is among those named: by scheme, host and port, or some of them; a path counts for nothing.

    `*` is any part of a name between two dots; `*.` at the beginning is any names before the rest, `*` alone any host.

    >>> allowed("opc.tcp://plc-1:4840/x", ["opc.tcp://plc-*"]), allowed("opc.tcp://10.1.2.3", ["10.0.0.0/8"])
    (True, True)
    >>> allowed("opc.tcp://plc:4840/UA", ["opc.tcp://plc:4840/UA"]), allowed("mqtt://a.b.c", ["*.c"])
    (True, True)
    >>> allowed("opc.tcp://plc-1.evil.example", ["plc-*"])
    False
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
    name, number = _split(rest)
    if number and number != str(port):
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name)
    except (ValueError, TypeError):
        return name == "*" or _pattern(name).fullmatch(host) is not None


def _pattern(name: str) -> re.Pattern[str]:
    name = name.lower().rstrip(".")
    start, rest = ("(?:[^.]+[.])+", name[2:]) if name.startswith("*.") else ("", name)
    return re.compile(start + "[^.]*".join(map(re.escape, rest.split("*"))))


def _split(rest: str) -> tuple[str, str]:
    """Host, or network, and port; an IPv6 address stands in brackets where there is a port."""
    if not _NETWORK(rest):
        rest = rest.partition("/")[0]
    if rest.startswith("["):
        name, _, number = rest[1:].partition("]")
        return name, number.removeprefix(":")
    name, _, number = rest.rpartition(":") if rest.count(":") == 1 else (rest, "", "")
    return name, number


def check(patterns: Iterable[str]) -> None:
    """Raises ValueError for a pattern that names nothing, or other than what it looks like."""
    for pattern in patterns:
        scheme, found, rest = pattern.rpartition("://")
        if "//" in pattern and not found:
            raise ValueError(f"{pattern!r} has no colon before its slashes; it is like opc.tcp://plc-1:4840")
        if found and scheme.lower() not in _PORTS:
            raise ValueError(f"{pattern!r} begins with none of {', '.join(f'{each}://' for each in _PORTS)}")
        name, port = _split(rest)
        if not name:
            raise ValueError(f"{pattern!r} names no host; it is like opc.tcp://plc-1:4840, 10.0.0.0/8 or *.example.org")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise ValueError(f"{pattern!r}: {port!r} is no port; they are from 1 to 65535")
        _check_host(pattern, name)


def _check_host(pattern: str, name: str) -> None:
    if name != "*" and re.fullmatch(r"[0-9.]*[*][0-9.*]*", name):
        raise ValueError(f"{pattern!r} looks like addresses; a network is written like 192.168.0.0/16")
    if "/" in name or re.fullmatch(r"[0-9.]+", name):
        try:
            ipaddress.ip_network(name)
        except ValueError as error:
            raise ValueError(f"{pattern!r} is no network and no address: {error}") from None
