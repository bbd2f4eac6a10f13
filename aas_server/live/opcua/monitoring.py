"""What a session observes: monitored items in subscriptions, and the shape in which their values are wanted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.ua_binary import struct_from_binary

from aas_server.live import Item, Standing, Value
from aas_server.live.opcua.nodes import AT_ONCE, Nodes
from aas_server.live.opcua.values import named as with_texts
from aas_server.live.payloads import picked
from aas_server.model.errors import Malformed
from aas_server.model.quality import is_bad, status_name

#: Seconds between publications where nothing else is asked for; between signs of life; after which the server forgets.
PUBLISHING, ALIVE, LIFETIME = 0.1, 5.0, 60.0

Shape = Callable[[Value], Value]


class Monitoring:
    """The items of one session. What fails is told in `standing.errors`, and tried again with the next `observe`."""

    def __init__(self, client: Client, nodes: Nodes, standing: Standing) -> None:
        self._client, self._nodes, self._standing = client, nodes, standing
        self.items: dict[int, Item] = {}
        self.failed: dict[int, Item] = {}
        self.shapes: dict[int, Shape] = {}
        #: Subscriptions by their publishing interval, and what the server calls the items in them.
        self.subscriptions: dict[float, int] = {}
        #: Seconds within which each gives a sign of life.
        self._promised: dict[float, float] = {}
        self._monitored: dict[int, tuple[int, int]] = {}
        #: Those whose values cannot be decoded: left alone until the next `observe`.
        self.released: set[int] = set()
        self._tried: set[int] = set()

    @property
    def patience(self) -> float:
        """Seconds after which a server is gone that gives no sign of life, as seldom as it has promised to."""
        return 2 * max(ALIVE, min(self._promised.values(), default=0.0))

    async def observe(self, items: Mapping[int, Item]) -> None:
        """Observe exactly these."""
        self._tried, self.released = self.released, set()
        gone = [number for number, item in self.items.items() if items.get(number) != item]
        new = {number: item for number, item in items.items() if self.items.get(number) != item}
        await self._remove(gone)
        self.items.update(new)
        await self._add(new | {number: self.items[number] for number in self.failed if number in self.items})

    async def _remove(self, numbers: Iterable[int]) -> None:
        gone = list(numbers)
        for number in gone:
            self.items.pop(number, None)
            self.failed.pop(number, None)
            self.shapes.pop(number, None)
            self._standing.errors.pop(number, None)
        await self._unmonitor(gone)

    async def release(self, numbers: Sequence[int]) -> None:
        """Leave these alone until the next `observe`: what they say cannot be decoded, as `standing.errors` tells."""
        for number in numbers:
            if number in self.items:
                self.released.add(number)
                self.failed[number] = self.items[number]
        await self._unmonitor(numbers)

    async def _unmonitor(self, numbers: Iterable[int]) -> None:
        leaving = defaultdict[int, list[int]](list)
        for number in numbers:
            if (monitored := self._monitored.pop(number, None)) is not None:
                leaving[monitored[0]].append(monitored[1])
        for subscription, ids in leaving.items():
            for some in _some(ids, self._nodes.limits["MaxMonitoredItemsPerCall"]):
                request = ua.DeleteMonitoredItemsParameters(SubscriptionId=subscription, MonitoredItemIds=some)
                await self._client.uaclient.delete_monitored_items(request)

    async def _add(self, items: Mapping[int, Item]) -> None:
        ids = await self.resolved(items)
        await self._shaped({number: items[number] for number in ids}, ids)
        groups = defaultdict[float, list[int]](list)
        for number in ids:
            if items[number].observed:
                groups[items[number].publishing or PUBLISHING].append(number)
        for publishing, numbers in groups.items():
            subscription = await self._subscription(publishing)
            for some in _some(numbers, min(self._nodes.limits["MaxMonitoredItemsPerCall"], AT_ONCE)):
                await self._monitor(subscription, {number: (items[number], ids[number]) for number in some})

    async def resolved(self, items: Mapping[int, Item]) -> dict[int, ua.NodeId]:
        """The ids of the nodes of these; what has none has failed."""
        found: dict[int, ua.NodeId] = {}
        for number, item in items.items():
            try:
                found[number] = await self._nodes.resolve(item.href)
            except Malformed as error:
                self.fail(number, item, str(error))
        return found

    def fail(self, number: int, item: Item, words: str) -> None:
        """Note what is wrong with an item, unless it has left meanwhile."""
        if self.items.get(number) == item:
            self.failed[number] = item
            self._standing.errors[number] = words

    async def _shaped(self, items: Mapping[int, Item], ids: Mapping[int, ua.NodeId]) -> None:
        """What is to be done with values before anybody sees them: parts picked, numbers named."""
        wanted = [number for number, item in items.items() if item.texts]
        types = await self._nodes.attributes([ids[number] for number in wanted], AttributeIds.DataType)
        known: dict[ua.NodeId, dict[int, str]] = {}
        texts: dict[int, dict[int, str]] = {}
        for number, found in zip(wanted, types, strict=True):
            data_type = found.Value.Value if found.Value is not None else None
            if isinstance(data_type, ua.NodeId) and not _builtin(data_type):
                if data_type not in known:
                    known[data_type] = await self._nodes.texts(data_type)
                texts[number] = known[data_type]
        for number, item in items.items():
            if shape := _shape(item, texts.get(number)):
                self.shapes[number] = shape

    async def _subscription(self, publishing: float) -> int:
        if publishing not in self.subscriptions:
            request = ua.CreateSubscriptionRequest()
            request.Parameters = ua.CreateSubscriptionParameters(
                RequestedPublishingInterval=ua.Duration(publishing * 1000),
                RequestedLifetimeCount=ua.Counter(max(3, round(LIFETIME / publishing))),
                RequestedMaxKeepAliveCount=ua.Counter(max(1, round(ALIVE / publishing))),
                MaxNotificationsPerPublish=ua.Counter(0),
            )
            data = await self._client.uaclient.session._send_request(request)
            response = struct_from_binary(ua.CreateSubscriptionResponse, data)
            response.ResponseHeader.ServiceResult.check()
            self.subscriptions[publishing] = int(response.Parameters.SubscriptionId)
            interval, count = (
                response.Parameters.RevisedPublishingInterval,
                response.Parameters.RevisedMaxKeepAliveCount,
            )
            self._promised[publishing] = float(interval) / 1000 * int(count)
        return self.subscriptions[publishing]

    async def _monitor(self, subscription: int, items: Mapping[int, tuple[Item, ua.NodeId]]) -> None:
        request = ua.CreateMonitoredItemsParameters(
            SubscriptionId=ua.IntegerId(subscription), TimestampsToReturn=ua.TimestampsToReturn.Source
        )
        request.ItemsToCreate = [_creation(number, item, node) for number, (item, node) in items.items()]
        results = await self._client.uaclient.create_monitored_items(request)
        for (number, (item, _)), result in zip(items.items(), results, strict=True):
            code = int(result.StatusCode.value)
            if is_bad(code):
                self.fail(number, item, f"{status_name(code)}: {item.href}")
                continue
            self._monitored[number] = (subscription, int(result.MonitoredItemId))
            self.mend(number)

    def mend(self, number: int) -> None:
        """An item that had failed is well. Its first value may have come already, with an error of its own.

        Of one whose value could not be decoded, only the next value shows whether it is.
        """
        if self.failed.pop(number, None) and number not in self._tried:
            self._standing.errors.pop(number, None)


def _some(items: Sequence[int], size: int) -> list[list[int]]:
    return [list(items[at : at + size]) for at in range(0, len(items), size)]


def _builtin(data_type: ua.NodeId) -> bool:
    return data_type.NamespaceIndex == 0 and isinstance(data_type.Identifier, int) and data_type.Identifier <= 25


def _shape(item: Item, texts: Mapping[int, str] | None) -> Shape | None:
    match bool(item.pick), texts:
        case True, None | {}:
            return lambda value: picked(value, item.pick)
        case True, _:
            return lambda value: with_texts(texts or {}, picked(value, item.pick))
        case False, dict() if texts:
            return lambda value: with_texts(texts or {}, value)
    return None


def _creation(number: int, item: Item, node: ua.NodeId) -> ua.MonitoredItemCreateRequest:
    wanted = ua.MonitoredItemCreateRequest()
    wanted.ItemToMonitor = ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value)
    wanted.MonitoringMode = ua.MonitoringMode.Reporting
    sampling = -1.0 if item.sampling is None else item.sampling * 1000  # -1: as often as is published
    wanted.RequestedParameters = ua.MonitoringParameters(
        ClientHandle=ua.IntegerId(number),
        SamplingInterval=ua.Duration(sampling),
        QueueSize=ua.Counter(item.queue),
        DiscardOldest=True,
    )
    if item.deadband > 0:
        wanted.RequestedParameters.Filter = ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValue,
            DeadbandType=ua.UInt32(ua.DeadbandType.Absolute.value),
            DeadbandValue=item.deadband,
        )
    return wanted
