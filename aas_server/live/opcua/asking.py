"""What is asked of many nodes at once, within what the server takes in one request and keeps between two."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaStatusCodeError

from aas_server.live.opcua.nodes import AT_ONCE, Nodes
from aas_server.live.opcua.skipping import answers
from aas_server.model.quality import is_bad, status_name

Asked = TypeVar("Asked")
Found = TypeVar("Found")
#: References of a node, and the name of the StatusCode where they could not be asked for.
References = tuple[list[Any], str]

#: Nodes in one Browse: each may have many references.
_TOGETHER = 100
#: What a server says to a request that is too large for it, whatever it has announced.
_LESS = (
    "BadTooManyOperations", "BadResponseTooLarge", "BadRequestTooLarge", "BadEncodingLimitsExceeded",
    "BadTcpMessageTooLarge",
)  # fmt: skip
_IDS: Any = ua.object_ids.ObjectIds
_CLASSES = ua.NodeClass.Object | ua.NodeClass.Variable | ua.NodeClass.Method


class Asking:
    """Asks one server in batches; a batch that is too large for it becomes two."""

    def __init__(self, client: Client, nodes: Nodes) -> None:
        self._client, self._nodes = client, nodes
        self.requests = 0

    async def attributes(self, ids: Sequence[ua.NodeId], *attributes: AttributeIds) -> list[ua.DataValue]:
        """These attributes of each node, node by node."""
        wanted = [(each, attribute) for each in ids for attribute in attributes]
        return await self._batched(wanted, self._nodes.limits.get("MaxNodesPerRead", AT_ONCE), self._read)

    async def values(self, ids: Sequence[ua.NodeId], most: int = AT_ONCE) -> list[ua.DataValue]:
        """Values; `most` at a time where they may be large."""
        wanted = [(each, AttributeIds.Value) for each in ids]
        return await self._batched(wanted, min(most, self._nodes.limits.get("MaxNodesPerRead", AT_ONCE)), self._read)

    async def references(
        self, ids: Sequence[ua.NodeId], direction: ua.BrowseDirection = ua.BrowseDirection.Forward
    ) -> list[References]:
        """The hierarchical references of each node."""
        size = min(_TOGETHER, self._nodes.limits.get("MaxNodesPerBrowse", AT_ONCE))
        return await self._batched(ids, size, lambda some: self._browse(some, direction))

    async def _batched(
        self, wanted: Sequence[Asked], size: int, ask: Callable[[Sequence[Asked]], Awaitable[list[Found]]]
    ) -> list[Found]:
        found: list[Found] = []
        while len(found) < len(wanted):
            some = wanted[len(found) : len(found) + size]
            try:
                self.requests += 1
                found += await ask(some)
            except UaStatusCodeError as error:
                if len(some) == 1 or status_name(int(error.code)) not in _LESS:
                    raise
                size = len(some) // 2
        return found

    async def _read(self, wanted: Sequence[tuple[ua.NodeId, AttributeIds]]) -> list[ua.DataValue]:
        asked = [ua.ReadValueId(NodeId=each, AttributeId=attribute) for each, attribute in wanted]
        return [each async for some in answers(self._client, asked) for each in some]

    async def _browse(self, ids: Sequence[ua.NodeId], direction: ua.BrowseDirection) -> list[References]:
        """One Browse, and as many BrowseNext as it takes. Who gets no continuation point waits for others."""
        found: list[References] = [([], "") for _ in ids]
        waiting, size = list(range(len(ids))), len(ids)
        while waiting:
            some, rest = waiting[:size], waiting[size:]
            request = ua.BrowseParameters(NodesToBrowse=[_description(ids[at], direction) for at in some])
            results = dict(zip(some, await self._client.uaclient.browse(request), strict=True))
            again = [at for at, result in results.items() if _bad(result) == "BadNoContinuationPoints"]
            size = max(1, len(some) // 2) if again == some else size
            if again == some and len(some) == 1:
                again = []  # alone it got none either: that is its answer
            await self._continued({at: result for at, result in results.items() if at not in again}, found)
            waiting = again + rest
        return found

    async def _continued(self, results: Mapping[int, Any], found: list[References]) -> None:
        """What has been found of each, with what the server has kept for later."""
        while results:
            for at, result in results.items():
                found[at] = ([*found[at][0], *(result.References or ())], _bad(result))
            left = {at: result.ContinuationPoint for at, result in results.items() if result.ContinuationPoint}
            if not left:
                return
            self.requests += 1
            request = ua.BrowseNextParameters(ReleaseContinuationPoints=False, ContinuationPoints=list(left.values()))
            results = dict(zip(left, await self._client.uaclient.browse_next(request), strict=True))

    def local(self, node: ua.NodeId) -> ua.NodeId | None:
        """The id of a node that a reference leads to; None for one of another server."""
        if getattr(node, "ServerIndex", 0):
            return None
        if not (uri := getattr(node, "NamespaceUri", None)):
            return ua.NodeId(node.Identifier, node.NamespaceIndex)
        known = self._nodes.namespaces
        return ua.NodeId(node.Identifier, ua.Int16(known.index(uri))) if uri in known else None


def _description(node: ua.NodeId, direction: ua.BrowseDirection) -> ua.BrowseDescription:
    return ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=direction,
        ReferenceTypeId=ua.NodeId(_IDS.HierarchicalReferences),
        IncludeSubtypes=True,
        NodeClassMask=_CLASSES if direction is ua.BrowseDirection.Forward else 0,
        ResultMask=ua.BrowseResultMask.All,
    )


def _bad(result: Any) -> str:
    """The name of the StatusCode of what went wrong; empty where nothing did."""
    code = int(result.StatusCode.value)
    return status_name(code) if is_bad(code) else ""
