"""Nodes of one server: their ids in the server's own namespaces, their types, and what is read of them in batches."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.ua_binary import nodeid_to_binary
from asyncua.ua.uaerrors import UaError

from aas_server.live.opcua.skipping import answers
from aas_server.model.errors import Malformed
from aas_server.model.quality import status_name

#: Nodes in one request, where the server names no smaller limit.
AT_ONCE = 1000


class Nodes:
    """What is known of the address space of a server, for one session: the next may number them anew."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._namespaces: list[str] = []
        self._ids: dict[str, ua.NodeId] = {}
        self.limits: dict[str, int] = {}

    @property
    def namespaces(self) -> Sequence[str]:
        """The URIs of the server's namespaces, by their indexes."""
        return self._namespaces

    async def open(self) -> None:
        """Read the namespaces and the limits of the server."""
        self._namespaces = await self._client.get_namespace_array()
        names = ("MaxNodesPerRead", "MaxNodesPerWrite", "MaxMonitoredItemsPerCall", "MaxNodesPerBrowse")
        prefix = "Server_ServerCapabilities_OperationLimits_"
        ids = [ua.NodeId(getattr(ua.object_ids.ObjectIds, prefix + name)) for name in names]
        found = await self.values(ids)
        for name, each in zip(names, found, strict=True):
            limit = each.Value.Value if each.Value is not None else None
            self.limits[name] = limit if isinstance(limit, int) and limit > 0 else AT_ONCE

    async def resolve(self, href: str) -> ua.NodeId:
        """The id of a node by its text, or its browse path from the root (`path:/Root/Objects/1:Machine`).

        Raises Malformed.
        """
        if href not in self._ids:
            path = href.removeprefix("path:")
            self._ids[href] = await self._walked(path) if path != href else self._parsed(href)
        return self._ids[href]

    def text(self, node: ua.NodeId) -> str:
        """The text of an id that holds in later sessions, too: with the URI of its namespace, as `resolve` takes it."""
        given = node.to_string()
        if not 0 < node.NamespaceIndex < len(self._namespaces):
            return str(given)
        uri = self._namespaces[node.NamespaceIndex].replace("%", "%25").replace(";", "%3B")
        return f"nsu={uri};{given.partition(';')[2]}"

    def _parsed(self, href: str) -> ua.NodeId:
        text = href
        if href.startswith("nsu="):
            uri, _, rest = href[4:].partition(";")
            uri = uri.replace("%3B", ";").replace("%25", "%")  # OPC 10000-6, 5.1.12
            if uri not in self._namespaces:
                raise Malformed(f"BadNodeIdUnknown: the server has no namespace {uri}")
            text = f"ns={self._namespaces.index(uri)};{rest}"
        try:
            node = ua.NodeId.from_string(text)
            nodeid_to_binary(node)  # one that cannot be sent would take with it all that is asked together
        except (UaError, ValueError, struct.error) as error:
            raise Malformed(f"BadNodeIdInvalid: {href}: {error}") from None
        return node

    async def _walked(self, path: str) -> ua.NodeId:
        steps = [step for step in path.split("/") if step]
        steps = steps[1:] if steps[:1] in (["Root"], ["0:Root"]) else steps
        try:
            return (await self._client.nodes.root.get_child(steps)).nodeid
        except (UaError, ValueError) as error:
            raise Malformed(f"BadNoMatch: {path}: {named(error)}") from None

    async def attributes(self, ids: Sequence[ua.NodeId], *attributes: AttributeIds) -> list[ua.DataValue]:
        """These attributes of each node, node by node, in as few requests as the server allows."""
        return [each async for some in self.answers(ids, *attributes) for each in some]

    async def answers(self, ids: Sequence[ua.NodeId], *attributes: AttributeIds) -> AsyncIterator[list[ua.DataValue]]:
        """The same, each answer of the server as it comes."""
        wanted = [ua.ReadValueId(NodeId=each, AttributeId=attribute) for each in ids for attribute in attributes]
        size = self.limits.get("MaxNodesPerRead", AT_ONCE)
        for some in (wanted[at : at + size] for at in range(0, len(wanted), size)):
            async for found in answers(self._client, some):
                yield found

    async def values(self, ids: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        return await self.attributes(ids, AttributeIds.Value)

    async def value(self, node: ua.NodeId) -> Any:
        """The value of one node as asyncua has it; None where it has none, or none that can be read."""
        (found,) = await self.values([node])
        return found.Value.Value if found.Value is not None else None

    async def texts(self, data_type: ua.NodeId) -> dict[int, str]:
        """The texts of an enumeration, by number; none for any other type."""
        for name, node in (await self.properties(data_type)).items():
            given = await self.value(node) if name in ("EnumStrings", "EnumValues") else None
            if name == "EnumStrings" and given:
                return {number: each.Text or "" for number, each in enumerate(given)}
            if name == "EnumValues" and given:
                return {each.Value: each.DisplayName.Text or "" for each in given}
        return await self._defined(data_type)

    async def _defined(self, data_type: ua.NodeId) -> dict[int, str]:
        (found,) = await self.attributes([data_type], AttributeIds.DataTypeDefinition)
        definition = found.Value.Value if found.Value is not None else None
        fields = definition.Fields if isinstance(definition, ua.EnumDefinition) else None
        return {each.Value: each.Name or "" for each in fields or ()}

    async def properties(self, node: ua.NodeId) -> dict[str, ua.NodeId]:
        """The properties of a node by their names."""
        references: Iterable[Any] = await self._client.get_node(node).get_references(
            ua.object_ids.ObjectIds.HasProperty, ua.BrowseDirection.Forward
        )
        return {each.BrowseName.Name: each.NodeId for each in references}


def named(error: BaseException) -> str:
    """What went wrong with a request, by the name of its StatusCode where it has one."""
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return status_name(code)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "BadTimeout"
    if isinstance(error, ConnectionRefusedError):
        return "BadConnectionRejected: nobody listens there"
    if isinstance(error, socket.gaierror):
        return f"BadTcpEndpointUrlInvalid: nobody knows this host: {error.strerror}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{error}" or type(error).__name__
