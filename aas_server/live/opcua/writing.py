"""What goes to the plant: values of nodes, many in one request, and calls of methods."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import BadTimeout

from aas_server.live import Action, Item, Value
from aas_server.live.opcua.nodes import AT_ONCE, Nodes
from aas_server.live.opcua.values import Like, normal, variant
from aas_server.model.errors import Malformed, Refused
from aas_server.model.quality import is_bad, status_code, status_name
from aas_server.repository.invoking import OperationFailed

#: What is to be written, and its StatusCode when it comes.
Order = tuple[ua.WriteValue, asyncio.Future[int]]
#: How long a write waits for others that go with it.
GATHERED = 0.002


class Held:
    """What a node holds: a value like those that it takes, and the numbers of an enumeration's texts."""

    def __init__(self, like: Like, texts: Mapping[str, int]) -> None:
        self.like, self.texts = like, texts


class Writing:
    """Writes of one session. Those that come together share a request."""

    def __init__(self, client: Client, nodes: Nodes) -> None:
        self._client, self._nodes = client, nodes
        self._held: dict[str, Held] = {}
        self._waiting: list[Order] = []
        self._sending: set[asyncio.Task[None]] = set()
        #: Nodes of requests that were not answered in time: each is written alone, once at a time, until it is.
        self._alone: dict[ua.NodeId, asyncio.Lock] = {}
        #: Whose turn it is at each node.
        self._turns: dict[ua.NodeId, asyncio.Lock] = {}

    async def write(self, orders: Sequence[tuple[Item, Value]]) -> list[int]:
        """The StatusCode of each. What cannot be such a value is BadTypeMismatch or BadOutOfRange."""
        statuses: dict[int, int] = {}
        several = defaultdict[ua.NodeId, list[int]](list)
        ids = await asyncio.gather(*(self._nodes.resolve(item.href) for item, _ in orders), return_exceptions=True)
        for number, node in enumerate(ids):
            match node:
                case Malformed():
                    statuses[number] = _refusal(node)
                case BaseException():
                    raise node
                case _:
                    several[node].append(number)
        writes = [self._together(node, [orders[number] for number in some]) for node, some in several.items()]
        for some, codes in zip(several.values(), await asyncio.gather(*writes), strict=True):
            statuses |= zip(some, codes, strict=True)
        return [statuses[number] for number in range(len(orders))]

    async def _together(self, node: ua.NodeId, orders: Sequence[tuple[Item, Value]]) -> list[int]:
        """Write to one node. Each has its turn: parts are put into what the node holds, and none may be lost."""
        async with self._turns.setdefault(node, asyncio.Lock()):
            try:
                parts = any(item.pick or isinstance(value, dict) for item, value in orders)
                made, refused = _combined(await self._like(orders[0][0].href, node, parts), orders)
            except Malformed as error:
                return [_refusal(error)] * len(orders)
            code = await self._write(node, made) if made is not None else 0
            return [refused.get(number, code) for number in range(len(orders))]

    async def _write(self, node: ua.NodeId, made: ua.Variant) -> int:
        wanted = ua.WriteValue(NodeId=node, AttributeId=AttributeIds.Value)
        wanted.Value = ua.DataValue(made)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, done))
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        try:
            return await done
        except asyncio.CancelledError:  # nobody waits any longer
            self._alone.setdefault(node, asyncio.Lock())
            raise

    async def _like(self, href: str, node: ua.NodeId, anew: bool) -> Held:
        if href not in self._held or anew:
            value, data_type, rank = await self._nodes.attributes(
                [node], AttributeIds.Value, AttributeIds.DataType, AttributeIds.ValueRank
            )
            if data_type.StatusCode is not None and is_bad(int(data_type.StatusCode.value)):
                raise Malformed(f"{status_name(int(data_type.StatusCode.value))}: {href}")
            kind = data_type.Value.Value if data_type.Value is not None else None
            found = value.Value
            if found is not None and found.VariantType is not ua.VariantType.Null:
                like = Like(found.VariantType, found.Value, bool(found.is_array))
            else:
                like = await empty(self._client, kind, array=rank.Value is not None and int(rank.Value.Value or 0) >= 1)
            self._held[href] = Held(like, await _numbers(self._nodes, kind, like))
        return self._held[href]

    async def _send(self) -> None:
        await asyncio.sleep(GATHERED)
        waiting, self._waiting = self._waiting, []
        size = self._nodes.limits.get("MaxNodesPerWrite", AT_ONCE)
        together = [each for each in waiting if each[0].NodeId not in self._alone]
        alone = [each for each in waiting if each[0].NodeId in self._alone]
        batches = [together[at : at + size] for at in range(0, len(together), size)]
        await asyncio.gather(*map(self._request, batches), *map(self._by_itself, alone))

    async def _by_itself(self, order: Order) -> None:
        """Write to a slow node, unless whoever wanted that has given up meanwhile."""
        async with self._alone.setdefault(order[0].NodeId, asyncio.Lock()):
            if not order[1].done():
                await self._request([order])

    async def _request(self, some: Sequence[Order]) -> None:
        try:
            request = ua.WriteParameters(NodesToWrite=[wanted for wanted, _ in some])
            results = await self._client.uaclient.write(request)
        except Exception as error:
            if isinstance(error, TimeoutError | BadTimeout):
                self._alone |= {wanted.NodeId: asyncio.Lock() for wanted, _ in some if wanted.NodeId not in self._alone}
            for _, done in some:
                if not done.done():
                    done.set_exception(error)
            return
        for (wanted, done), result in zip(some, results, strict=True):
            self._alone.pop(wanted.NodeId, None)
            if not done.done():
                done.set_result(int(result.value))


async def empty(client: Client, data_type: Any, array: bool) -> Like:
    """A node without a value: its data type, or what that is a kind of, says what it takes."""
    while isinstance(data_type, ua.NodeId):
        number = data_type.Identifier
        if data_type.NamespaceIndex == 0 and isinstance(number, int) and 1 <= number <= 22:
            return Like(ua.VariantType(number), None, array)
        if data_type == _ENUMERATION:
            return Like(ua.VariantType.Int32, None, array)
        above = await client.get_node(data_type).get_references(
            ua.object_ids.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse
        )
        data_type = above[0].NodeId if above else None
    raise Malformed("BadTypeMismatch: the node does not say what it takes")


_MISMATCH = status_code("BadTypeMismatch")
#: What all enumerations are kinds of; they are sent as Int32 (OPC 10000-6, 5.2.4).
_ENUMERATION = ua.NodeId(ua.Int32(ua.object_ids.ObjectIds.Enumeration))


async def _numbers(nodes: Nodes, data_type: Any, like: Like) -> dict[str, int]:
    """The numbers of an enumeration's texts; none of any other type."""
    texts = await nodes.texts(data_type) if isinstance(data_type, ua.NodeId) and _enumerated(data_type, like) else {}
    return {text: number for number, text in texts.items()}


def _enumerated(data_type: ua.NodeId, like: Like) -> bool:
    return like.kind is ua.VariantType.Int32 and not (
        data_type.NamespaceIndex == 0 and isinstance(data_type.Identifier, int) and data_type.Identifier <= 25
    )


def _refusal(error: Malformed | OverflowError) -> int:
    """The StatusCode of what cannot be written."""
    if isinstance(error, OverflowError):
        return status_code("BadOutOfRange")
    known = str(error).partition(":")[0]
    return status_code(known) if known.startswith("Bad") and " " not in known else _MISMATCH


def _combined(held: Held, orders: Sequence[tuple[Item, Value]]) -> tuple[ua.Variant | None, dict[int, int]]:
    """What a node is to hold when all of this is put into it; the StatusCodes of those that do not fit, by number."""
    whole = normal(held.like.value) if any(item.pick for item, _ in orders) else None
    made, refused = None, dict[int, int]()
    for number, (item, value) in enumerate(orders):
        try:
            placed = _put(whole, item.pick, value)
            made = variant(placed, held.like, held.texts)
        except (Malformed, OverflowError) as error:
            refused[number] = _refusal(error)
        else:
            whole = placed
    return made, refused


def _put(whole: Value, pick: tuple[str | int, ...], value: Value) -> Value:
    if not pick:
        return _over(whole, value)
    step, rest = pick[0], pick[1:]
    match whole:
        case list() if str(step).isdigit() and int(step) < len(whole):
            return [_put(each, rest, value) if at == int(step) else each for at, each in enumerate(whole)]
        case dict() if step in whole:
            return {name: _put(each, rest, value) if name == step else each for name, each in whole.items()}
    raise Malformed(f"BadIndexRangeNoData: the node has no part {step!r}")


def _over(whole: Value, value: Value) -> Value:
    """A value in place of another; of a structure only the fields that it names."""
    if isinstance(whole, dict) and isinstance(value, dict):
        return {**whole, **{name: _over(whole.get(name), each) for name, each in value.items()}}
    return value


class Methods:
    """Methods of one session, with what their arguments are called."""

    def __init__(self, client: Client, nodes: Nodes) -> None:
        self._client, self._nodes = client, nodes
        self._known: dict[str, tuple[list[Any], list[Any]]] = {}
        self._there: dict[str, ua.NodeId] = {}

    async def call(self, action: Action, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """Call by name. Raises Malformed for arguments that do not fit, OperationFailed where the server refuses."""
        method = await self._node(action.href)
        owner = await self._node(action.owner) if action.owner else await self._owner(method)
        wanted, given = await self._arguments(action.href, method)
        names = [each.Name for each in wanted]
        if unknown := [name for name in inputs if name not in names]:
            raise Malformed(f"the method has no argument {unknown[0]!r}; it has {', '.join(names) or 'none'}")
        request = ua.CallMethodRequest(ObjectId=owner, MethodId=method)
        request.InputArguments = [await self._argument(each, inputs) for each in wanted]
        (result,) = await self._client.uaclient.call([request])
        code = int(result.StatusCode.value)
        if is_bad(code):
            raise OperationFailed("; ".join([f"{status_name(code)}: {action.href}", *_told(wanted, result)]))
        answered = [each.Value for each in result.OutputArguments or ()]
        return {each.Name: normal(value) for each, value in zip(given, answered, strict=False)}

    async def _node(self, href: str) -> ua.NodeId:
        """The id of a node that the server has. Raises OperationFailed."""
        if href not in self._there:
            try:
                node = await self._nodes.resolve(href)
            except Malformed as error:
                raise OperationFailed(str(error)) from None
            (found,) = await self._nodes.attributes([node], AttributeIds.NodeClass)
            code = int(found.StatusCode.value) if found.StatusCode else 0
            if is_bad(code):
                raise OperationFailed(f"{status_name(code)}: {href}")
            self._there[href] = node
        return self._there[href]

    async def _owner(self, method: ua.NodeId) -> ua.NodeId:
        above = await self._client.get_node(method).get_references(
            ua.object_ids.ObjectIds.HasComponent, ua.BrowseDirection.Inverse
        )
        if not above:
            raise Refused("BadMethodInvalid: the method belongs to no object; name it with uav_objectId")
        owner: ua.NodeId = above[0].NodeId
        return owner

    async def _arguments(self, href: str, method: ua.NodeId) -> tuple[list[Any], list[Any]]:
        if href not in self._known:
            found = await self._nodes.properties(method)
            self._known[href] = (
                await self._declared(found.get("InputArguments")),
                await self._declared(found.get("OutputArguments")),
            )
        return self._known[href]

    async def _declared(self, node: ua.NodeId | None) -> list[Any]:
        return list(await self._nodes.value(node) or ()) if node is not None else []

    async def _argument(self, declared: Any, inputs: Mapping[str, Value]) -> ua.Variant:
        if declared.Name not in inputs:
            raise Malformed(f"the argument {declared.Name!r} is missing")
        like = await empty(self._client, declared.DataType, declared.ValueRank >= 1)
        try:
            return variant(inputs[declared.Name], like, await _numbers(self._nodes, declared.DataType, like))
        except (Malformed, OverflowError) as error:
            raise Malformed(f"the argument {declared.Name!r}: {error}") from None


def _told(arguments: Sequence[Any], result: Any) -> list[str]:
    """What the server says of each argument that it does not take, and what it says that it would."""
    found: list[str] = []
    for argument, status in zip(arguments, result.InputArgumentResults or (), strict=False):
        if is_bad(code := int(status.value)):
            wanted = argument.Description.Text if argument.Description else None
            found.append(f"argument {argument.Name!r}: {status_name(code)}" + (f" ({wanted})" if wanted else ""))
    return found
