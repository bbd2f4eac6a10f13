"""The nodes of a server below one of them, level by level: what they are called and what they hold."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from aas_server.live import Endpoint
from aas_server.live.browsed import Argument, Left, Node, NodeKind, Said
from aas_server.live.credentials import Credentials
from aas_server.live.opcua.asking import Asking
from aas_server.live.opcua.greeting import Greeting
from aas_server.live.opcua.nodes import Nodes, named
from aas_server.live.opcua.security import Pki, secured
from aas_server.live.opcua.types import ABSTRACT, Types
from aas_server.model.errors import NotFound, TooLarge, Unavailable
from aas_server.model.quality import is_bad, status_name

#: Told how many nodes of which kind of work are done.
Tell = Callable[[str, int], None]

_IDS: Any = ua.object_ids.ObjectIds
OBJECTS, _PROPERTY = ua.NodeId(_IDS.ObjectsFolder), ua.NodeId(_IDS.HasProperty)
#: Levels that are gone down: elements are not nested deeper in a document that everybody can read.
DEPTH = 30
#: Seconds that one answer may take.
ANSWER = 30.0
#: Values that may be large, at a time.
_LARGE = 50
_READABLE, _WRITABLE = 0x01, 0x02
#: What properties of variables and methods are read for.
_TELLING = ("EngineeringUnits", "EURange", "InputArguments", "OutputArguments")


@dataclass(slots=True, eq=False)
class Found:
    """A node on its way to what is told of it."""

    id: ua.NodeId
    told: Node
    way: str
    properties: dict[str, ua.NodeId] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def session(endpoint: Endpoint, credentials: Credentials, pki: Pki) -> AsyncIterator[tuple[Client, Nodes]]:
    """A session as long as a block lasts. Raises Unavailable with what the server or the network says."""
    client = Greeting(endpoint.base, timeout=ANSWER, watchdog_intervall=ANSWER)
    client.session_timeout = 600_000
    client.name = client.description = "AAS server"
    try:
        await secured(client, endpoint.security, credentials, pki)
        async with asyncio.timeout(ANSWER):
            await client.connect()
        try:
            nodes = Nodes(client)
            await nodes.open()
            yield client, nodes
        finally:
            with contextlib.suppress(UaError, OSError, TimeoutError):
                await client.disconnect()
    except (UaError, OSError, TimeoutError) as error:
        raise Unavailable(f"{endpoint.base}: {named(error)}") from None


async def browse(client: Client, nodes: Nodes, start: str, most: int, tell: Tell) -> tuple[Node, Left]:
    """The node at `start` with all below it. Raises Malformed, NotFound, TooLarge for more than `most` nodes."""
    browsing = Browsing(client, nodes, most, tell)
    return await browsing.below(await nodes.resolve(start) if start else OBJECTS), browsing.left


class Browsing:
    """One walk over the nodes of a server: a graph, which may lead back to where it came from."""

    def __init__(self, client: Client, nodes: Nodes, most: int, tell: Tell) -> None:
        self._nodes, self._most, self._tell = nodes, most, tell
        self.asking = Asking(client, nodes)
        self.types = Types(self.asking)
        self.left = Left()
        self._seen: set[ua.NodeId] = set()
        self._standard = False

    async def below(self, start: ua.NodeId) -> Node:
        top = await self._start(start)
        self._seen.add(start)
        self._standard = start.NamespaceIndex == 0 and start != OBJECTS
        everything, level = [top], [top]
        for _ in range(DEPTH):
            if not level:
                break
            level = await self._next(level)
            everything += level
            self._bound(len(everything))
            self._tell("nodes found", len(everything))
        for each in level:
            self.left.out(f"more than {DEPTH} levels down", each.way)
        await self._describe(everything)
        return top.told

    def _bound(self, many: int) -> None:
        if many > self._most:
            raise TooLarge(
                f"there are more than {self._most} nodes: begin further down with --node, or allow more with --most"
            )

    async def _start(self, start: ua.NodeId) -> Found:
        asked = (AttributeIds.NodeClass, AttributeIds.BrowseName, AttributeIds.DisplayName)
        kind, name, title = await self.asking.attributes([start], *asked)
        if kind.StatusCode is not None and is_bad(code := int(kind.StatusCode.value)):
            raise NotFound(f"{status_name(code)}: {self._nodes.text(start)}")
        known = {ua.NodeClass.Variable: NodeKind.VARIABLE, ua.NodeClass.Method: NodeKind.METHOD}
        told = Node(
            self._nodes.text(start),
            _held(name).Name or "",
            known.get(ua.NodeClass(_held(kind)), NodeKind.OBJECT),
            _said(_held(title)),
        )
        return Found(start, told, told.name)

    # Level by level

    async def _next(self, level: Sequence[Found]) -> list[Found]:
        below: list[Found] = []
        for above, (references, wrong) in zip(
            level, await self.asking.references([each.id for each in level]), strict=True
        ):
            if wrong:
                self.left.out(f"what is below ({wrong})", above.way)
            for reference in references:
                if (found := self._found(above, reference)) is not None:
                    above.told.children.append(found.told)
                    below.append(found)
        return below

    def _found(self, above: Found, reference: Any) -> Found | None:
        """The node that a reference leads to, where it is one of those that are wanted."""
        node = self.asking.local(reference.NodeId)
        if node is None:
            return None
        name = reference.BrowseName.Name or ""
        if above.told.kind is not NodeKind.OBJECT and reference.ReferenceTypeId == _PROPERTY:
            above.properties[name] = node
            return None
        kind = _KINDS.get(int(reference.NodeClass))
        if kind is None or node in self._seen or (node.NamespaceIndex == 0 and not self._standard):
            return None
        self._seen.add(node)
        told = Node(self._nodes.text(node), name, kind, _said(reference.DisplayName))
        return Found(node, told, f"{above.way}/{name}")

    # What is told of them

    async def _describe(self, everything: Sequence[Found]) -> None:
        described = await self._read(everything, AttributeIds.Description)
        for each, (description,) in zip(everything, described, strict=True):
            each.told.description = _said(_held(description))
        await self._shapes([each for each in everything if each.told.kind is NodeKind.VARIABLE])
        await self._properties(everything)

    async def _read(self, several: Sequence[Found], *attributes: AttributeIds) -> list[Sequence[ua.DataValue]]:
        found: list[Sequence[ua.DataValue]] = []
        for at in range(0, len(several), 2000):  # so that progress is seen
            some = several[at : at + 2000]
            values = await self.asking.attributes([each.id for each in some], *attributes)
            found += [values[n : n + len(attributes)] for n in range(0, len(values), len(attributes))]
            self._tell(f"{attributes[0].name} read", len(found))
        return found

    async def _shapes(self, variables: Sequence[Found]) -> None:
        """What variables hold, and what may be done with them."""
        asked = (AttributeIds.DataType, AttributeIds.ValueRank, AttributeIds.UserAccessLevel)
        told = await self._read(variables, *asked)
        types = [_held(data_type) for data_type, _, _ in told]
        await self.types.load({each for each in types if isinstance(each, ua.NodeId)})
        unclear: list[tuple[Found, int]] = []
        for each, data_type, (_, rank, access) in zip(variables, types, told, strict=True):
            level = _held(access)
            if not isinstance(level, int) or not level & _READABLE:
                self.left.out("not readable by this user", each.way)
                continue
            each.told.writable = bool(level & _WRITABLE)
            dimensions = _held(rank)
            dimensions = dimensions if isinstance(dimensions, int) else -1
            each.told.shape = (
                self.types.shape(data_type, max(0, dimensions)) if isinstance(data_type, ua.NodeId) else None
            )
            if each.told.shape is None:
                self.left.out("of a type that the server does not describe", each.way)
            elif each.told.shape.builtin in ABSTRACT or dimensions in (0, -2, -3):
                unclear.append((each, dimensions))
        await self._looked(unclear)

    async def _looked(self, unclear: Sequence[tuple[Found, int]]) -> None:
        """Where the type leaves open what is there, the value tells."""
        values = await self.asking.values([each.id for each, _ in unclear], _LARGE)
        for (each, dimensions), value in zip(unclear, values, strict=True):
            assert each.told.shape is not None  # noqa: S101 - those without one are not looked at
            each.told.shape = self.types.like(each.told.shape, dimensions, value.Value)
            if each.told.shape is None:
                self.left.out("of a type that the server does not describe", each.way)

    async def _properties(self, everything: Sequence[Found]) -> None:
        wanted = [
            (each, name, node) for each in everything for name, node in each.properties.items() if name in _TELLING
        ]
        values = await self.asking.values([node for _, _, node in wanted])
        known = [(each, name, _held(value)) for (each, name, _), value in zip(wanted, values, strict=True)]
        arguments = [one for _, name, value in known if name.endswith("Arguments") for one in value or ()]
        await self.types.load({each.DataType for each in arguments})
        for each, name, value in known:
            if value is not None:
                self._take(each, name, value)

    def _take(self, found: Found, name: str, value: Any) -> None:
        match name:
            case "EngineeringUnits" if isinstance(value, ua.EUInformation):
                found.told.unit = value.DisplayName.Text or ""
            case "EURange" if isinstance(value, ua.Range):
                found.told.bounds = (float(value.Low), float(value.High))
            case "InputArguments":
                found.told.inputs = self._arguments(found, value)
            case "OutputArguments":
                found.told.outputs = self._arguments(found, value)

    def _arguments(self, found: Found, declared: Any) -> tuple[Argument, ...]:
        told: list[Argument] = []
        for each in declared or ():
            shape = self.types.shape(each.DataType, max(0, int(each.ValueRank)))
            if shape is None:
                self.left.out(f"{each.Name!r} is of a type that the server does not describe", found.way)
            told.append(Argument(each.Name or "", shape, _said(each.Description)))
        return tuple(told)


_KINDS = {
    int(ua.NodeClass.Object): NodeKind.OBJECT,
    int(ua.NodeClass.Variable): NodeKind.VARIABLE,
    int(ua.NodeClass.Method): NodeKind.METHOD,
}


def _held(value: ua.DataValue) -> Any:
    return value.Value.Value if value.Value is not None else None


def _said(text: Any) -> Said:
    return Said(text.Text or "", text.Locale or "") if isinstance(text, ua.LocalizedText) else Said()
