"""Operations that other servers carry out: a qualifier `invocationDelegation` names the URL, settings say which may be.

Nothing is delegated unless a setting allows the target. A host is allowed by its name, addresses that are not public
by themselves: a name that leads to a private address is refused until that address is allowed, too.
"""

import fnmatch
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from aas_server.model import Document, Json
from aas_server.model.errors import Malformed
from aas_server.model.json import parse
from aas_server.model.operations import DECLARED, variables
from aas_server.model.paths import IdShortPath
from aas_server.model.validation import verify
from aas_server.model.valueonly import named_values
from aas_server.repository.invoking import Handler, Invocation, OperationFailed, Outcome

#: The type of the qualifier, as BaSyx servers have it.
QUALIFIER = "invocationDelegation"
#: Bytes of an answer that are read.
LARGEST = 4 << 20

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which targets may be reached: patterns of host names with or without a port, addresses and networks."""

    hosts: Sequence[str]
    networks: Sequence[tuple[_Network, str]]

    @classmethod
    def of(cls, entries: Sequence[str]) -> "Allowed":
        """From texts such as `*.example.com`, `press.local:8080`, `10.0.0.0/8`, `127.0.0.1:9000`, `[::1]:9000`."""
        hosts, networks = [], []
        for entry in entries:
            host, port = _parted(entry)
            try:
                networks.append((ipaddress.ip_network(host), port))
            except ValueError:
                hosts.append(entry.lower())
        return cls(hosts, networks)

    def host(self, host: str, port: int) -> bool:
        """Whether a host may be asked for, by its name."""
        return any(fnmatch.fnmatchcase(text, pattern) for pattern in self.hosts for text in (host, f"{host}:{port}"))

    def address(self, text: str, port: int) -> bool:
        """Whether an address is allowed as such."""
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network and wanted in ("", str(port)) for network, wanted in self.networks)

    def reached(self, text: str, port: int) -> bool:
        """Whether an address that an allowed name leads to may be connected to."""
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_global or self.address(text, port)


def _parted(entry: str) -> tuple[str, str]:
    """Host and port of an entry; IPv6 addresses with a port stand in brackets."""
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
        return host, port.removeprefix(":")
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and port.isdigit() and ":" not in host else (entry, "")


class Resolver(AbstractResolver):
    """Names into those of their addresses that may be reached; the connection goes to what was looked at here."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._names = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        reached = [each for each in found if self._allowed.reached(each["host"], port)]
        if not reached:
            raise OSError(f"{host} leads to {', '.join(each['host'] for each in found)}, which is not allowed")
        return reached

    async def close(self) -> None:
        await self._names.close()


class Delegation:
    """Hands Operations on to the servers that they name."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = Allowed.of(allowed)

    def find(self, submodel_id: str, path: IdShortPath, operation: Document) -> Handler | None:
        url = next((each.get("value") for each in operation.get("qualifiers") or () if each["type"] == QUALIFIER), None)
        return None if url is None else lambda invocation: self._delegate(url, invocation)

    async def _delegate(self, text: str, invocation: Invocation) -> Outcome:
        """POST the input and inoutput variables, as BaSyx servers do; the answer are the others."""
        url = self._target(text)
        arguments = {**invocation.arguments.inputs, **invocation.arguments.inoutputs}
        body = orjson.dumps(variables(list(arguments.values())))
        connector = aiohttp.TCPConnector(resolver=Resolver(self._allowed), use_dns_cache=False, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, trust_env=False) as session,
                session.post(
                    url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
                ) as answer,
            ):
                return _outcome(url, answer.status, await _bounded(url, answer), invocation.operation)
        except (aiohttp.ClientError, OSError) as error:
            raise OperationFailed(f"{url} cannot be reached: {error}") from None

    def _target(self, text: str) -> URL:
        """Raises OperationFailed for what is no URL, or none that is allowed."""
        try:
            url = URL(text)
            host, port = (url.host or "").lower(), url.port or 0
        except ValueError:
            host, port, url = "", 0, URL()
        if url.scheme not in ("http", "https") or not host or url.user is not None:
            raise OperationFailed(f"{QUALIFIER} {text[:200]!r} is no http or https URL of a server")
        if not (self._allowed.address(host, port) if _is_address(host) else self._allowed.host(host, port)):
            raise OperationFailed(f"{host}:{port} is not among the targets that the setting delegation_allowed names")
        return url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _bounded(url: URL, answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(64 << 10):
        body += chunk
        if len(body) > LARGEST:
            raise OperationFailed(f"{url} answers more than {LARGEST} bytes")
    return bytes(body)


def _outcome(url: URL, status: int, body: bytes, operation: Document) -> Outcome:
    """The values in an answer: an array of operation variables. Raises OperationFailed for any other."""
    if status != 200:
        raise OperationFailed(f"{url} answers with status {status}" + (", a redirect" if 300 <= status < 400 else ""))
    try:
        answered = parse(body)
    except Malformed as error:
        raise OperationFailed(f"{url} answers what cannot be read: {error}") from None
    if not isinstance(answered, list):
        raise OperationFailed(f"{url} answers no array of operation variables")
    return named_values([_element(url, each, operation) for each in answered], blobs=True)


def _element(url: URL, variable: Json, operation: Document) -> Document:
    for finding in verify(variable, "OperationVariable"):
        raise OperationFailed(f"{url} answers no operation variable: {finding}")
    element: Document = variable["value"]
    known = {
        each["value"].get("idShort"): each["value"] for name in DECLARED.values() for each in operation.get(name) or ()
    }
    declared = known.get(element.get("idShort"))
    if declared is None or any(element.get(name) != declared.get(name) for name in ("modelType", "valueType")):
        raise OperationFailed(f"{url} answers {element.get('idShort')!r}, which is no variable of its kind here")
    return element
