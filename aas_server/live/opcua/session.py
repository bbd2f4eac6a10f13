"""One session with a server: what it observes, and what arrives. It ends with its connection and is never mended."""

import asyncio
import logging
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaerrors import BadTimeout, UaError

from aas_server.live import FileTime, Item, Readings, Standing, Value
from aas_server.live.opcua.decoding import Notification, Publication, Unusual, decode
from aas_server.live.opcua.nodes import AT_ONCE, Nodes, named
from aas_server.live.opcua.values import named as with_texts
from aas_server.live.opcua.values import normal, picked
from aas_server.model.errors import Malformed
from aas_server.model.quality import is_bad, status_code, status_name

log = logging.getLogger(__name__)

#: Seconds between publications where nothing else is asked for; between signs of life; after which the server forgets.
PUBLISHING, ALIVE, LIFETIME = 0.1, 5.0, 60.0
#: PublishRequests that wait at the server: enough for a round trip that takes as long as several publications.
DEPTH = 6
#: StatusCodes with this bit tell that values were lost between two (OPC 10000-4, 7.39.1: Overflow).
_OVERFLOW = 0x480
_UNREADABLE = status_code("BadDataEncodingUnsupported")

Shape = Callable[[Value], Value]


class Unreadable(str):
    """A value that has no form here, and why."""

    __slots__ = ()


class Session:
    """What is observed in one session. `put` takes batches; `standing` is told what is wrong with which item."""

    def __init__(self, client: Client, standing: Standing, put: Callable[[Readings], None]) -> None:
        self._client, self._standing, self._put = client, standing, put
        self.nodes = Nodes(client)
        self.over = asyncio.Event()
        #: Why it is over.
        self.why = ""
        self._items: dict[int, Item] = {}
        self._failed: dict[int, Item] = {}
        #: Subscriptions by their publishing interval, and what the server calls the items in them.
        self._subscriptions: dict[float, int] = {}
        self._monitored: dict[int, tuple[int, int]] = {}
        self._sequences: dict[int, int] = {}
        self._shapes: dict[int, Shape] = {}
        self._suspect = False
        self._tasks: list[asyncio.Task[None]] = []
        self._heard = time.monotonic()
        self._acknowledged: list[ua.SubscriptionAcknowledgement] = []

    async def open(self) -> None:
        await self.nodes.open()
        try:
            await self._client.load_data_type_definitions()
        except Exception as error:
            log.info("types of %s are not described: %s", self._client.server_url.netloc, named(error))

    async def close(self) -> None:
        """Let the server forget what was observed, if it still listens."""
        self.over.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._subscriptions:
            await self._client.uaclient.session.delete_subscriptions(list(self._subscriptions.values()))

    async def lose(self, error: Exception) -> None:
        """The connection is gone; asyncua says so."""
        self._end(named(error))

    def _end(self, why: str) -> None:
        self.why = self.why or why
        self.over.set()

    # Items

    async def observe(self, items: Mapping[int, Item]) -> None:
        """Observe exactly these. What fails is told, and tried again with the next call."""
        gone = [number for number, item in self._items.items() if items.get(number) != item]
        new = {number: item for number, item in items.items() if self._items.get(number) != item}
        await self._remove(gone)
        self._items.update(new)
        await self._add(new | {number: self._items[number] for number in self._failed if number in self._items})
        self._poll()

    @property
    def troubled(self) -> bool:
        return bool(self._failed)

    async def _remove(self, numbers: Iterable[int]) -> None:
        leaving = defaultdict[int, list[int]](list)
        for number in numbers:
            self._items.pop(number, None)
            self._failed.pop(number, None)
            self._shapes.pop(number, None)
            self._standing.errors.pop(number, None)
            if (monitored := self._monitored.pop(number, None)) is not None:
                leaving[monitored[0]].append(monitored[1])
        for subscription, ids in leaving.items():
            for some in _some(ids, self.nodes.limits["MaxMonitoredItemsPerCall"]):
                request = ua.DeleteMonitoredItemsParameters(SubscriptionId=subscription, MonitoredItemIds=some)
                await self._client.uaclient.delete_monitored_items(request)

    async def _add(self, items: Mapping[int, Item]) -> None:
        ids = await self._resolved(items)
        await self._shaped({number: items[number] for number in ids}, ids)
        groups = defaultdict[float, list[int]](list)
        for number in ids:
            if items[number].observed:
                groups[items[number].publishing or PUBLISHING].append(number)
        for publishing, numbers in groups.items():
            subscription = await self._subscription(publishing)
            for some in _some(numbers, min(self.nodes.limits["MaxMonitoredItemsPerCall"], AT_ONCE)):
                await self._monitor(subscription, {number: (items[number], ids[number]) for number in some})

    async def _resolved(self, items: Mapping[int, Item]) -> dict[int, ua.NodeId]:
        found: dict[int, ua.NodeId] = {}
        for number, item in items.items():
            try:
                found[number] = await self.nodes.resolve(item.href)
            except Malformed as error:
                self._fail(number, item, str(error))
        return found

    def _fail(self, number: int, item: Item, words: str) -> None:
        self._failed[number] = item
        self._standing.errors[number] = words

    async def _shaped(self, items: Mapping[int, Item], ids: Mapping[int, ua.NodeId]) -> None:
        """What is to be done with values before anybody sees them: parts picked, numbers named."""
        wanted = [number for number, item in items.items() if item.texts]
        types = await self.nodes.attributes([ids[number] for number in wanted], AttributeIds.DataType)
        known: dict[ua.NodeId, dict[int, str]] = {}
        texts: dict[int, dict[int, str]] = {}
        for number, found in zip(wanted, types, strict=True):
            data_type = found.Value.Value if found.Value is not None else None
            if isinstance(data_type, ua.NodeId) and not _builtin(data_type):
                if data_type not in known:
                    known[data_type] = await self.nodes.texts(data_type)
                texts[number] = known[data_type]
        for number, item in items.items():
            if shape := _shape(item, texts.get(number)):
                self._shapes[number] = shape

    async def _subscription(self, publishing: float) -> int:
        if publishing not in self._subscriptions:
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
            self._subscriptions[publishing] = int(response.Parameters.SubscriptionId)
            if len(self._subscriptions) == 1:
                self._tasks += [asyncio.create_task(self._publish(), name="opc ua publish") for _ in range(DEPTH)]
                self._tasks.append(asyncio.create_task(self._listen(), name="opc ua listen"))
        return self._subscriptions[publishing]

    async def _monitor(self, subscription: int, items: Mapping[int, tuple[Item, ua.NodeId]]) -> None:
        request = ua.CreateMonitoredItemsParameters(
            SubscriptionId=ua.IntegerId(subscription), TimestampsToReturn=ua.TimestampsToReturn.Source
        )
        request.ItemsToCreate = [_creation(number, item, node) for number, (item, node) in items.items()]
        results = await self._client.uaclient.create_monitored_items(request)
        for (number, (item, _)), result in zip(items.items(), results, strict=True):
            code = int(result.StatusCode.value)
            if is_bad(code):
                self._fail(number, item, f"{status_name(code)}: {item.href}")
                continue
            self._monitored[number] = (subscription, int(result.MonitoredItemId))
            if self._failed.pop(number, None):  # its first value may have come already, with an error of its own
                self._standing.errors.pop(number, None)

    # What arrives

    async def _publish(self) -> None:
        """One of several requests that always wait at the server."""
        try:
            while not self.over.is_set():
                await self._published()
        except (UaError, OSError, TimeoutError, struct.error, IndexError) as error:
            self._end(named(error))

    async def _published(self) -> None:
        acknowledged, self._acknowledged = self._acknowledged, []
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acknowledged
        try:
            data = await self._client.uaclient.session._send_request(request, timeout=0)
        except BadTimeout:
            return
        self._heard = time.monotonic()
        await self._take(bytes(data._data[data._cur_pos : data._cur_pos + data._size]))

    async def _listen(self) -> None:
        """A server that gives no sign of life, though it should every five seconds, is gone."""
        while (silent := time.monotonic() - self._heard) < 2 * ALIVE:  # noqa: ASYNC110 - an event each time costs more
            await asyncio.sleep(2 * ALIVE - silent)
        self._end("BadTimeout: the server has fallen silent")

    async def _take(self, body: bytes) -> None:
        try:
            publication = decode(body, self._normal)
        except Unusual:
            publication = self._generic(body)
        if publication.notifications:
            self._note(publication)
            self.deliver(publication.notifications)
        if self._gap(publication):
            self._standing.gaps += 1
            await self.refresh()

    def _gap(self, publication: Publication) -> bool:
        """Whether a publication has been left out. A sign of life carries the number that comes next."""
        last = self._sequences.get(publication.subscription)
        kept = publication.sequence if publication.notifications else publication.sequence - 1
        self._sequences[publication.subscription] = kept
        return last is not None and kept not in (last, last + 1) and not (last >= 2**32 - 1 and kept <= 1)

    def _note(self, publication: Publication) -> None:
        self._acknowledged.append(
            ua.SubscriptionAcknowledgement(
                SubscriptionId=ua.IntegerId(publication.subscription), SequenceNumber=ua.Counter(publication.sequence)
            )
        )

    def _normal(self, value: Any) -> Value:
        try:
            return normal(value)
        except Malformed as error:
            self._suspect = True
            return Unreadable(str(error))

    def deliver(self, found: Sequence[Notification]) -> Sequence[Notification]:
        """Hand values on, in the shape that each item wants."""
        self._standing.readings += len(found)
        if self._shapes or self._suspect:
            found = [self._formed(*each) for each in found]
            self._suspect = False
        self._put(found)
        return found

    def _formed(self, number: int, value: Value, status: int, source: int) -> Notification:
        if isinstance(value, Unreadable):
            self._standing.errors[number] = str(value)
            return number, None, _UNREADABLE, source
        if (shape := self._shapes.get(number)) is not None:
            try:
                value = shape(value)
            except Malformed as error:
                self._standing.errors[number] = str(error)
                return number, None, _UNREADABLE, source
        if status & _OVERFLOW == _OVERFLOW:
            self._standing.overflows += 1
        return number, value, status, source

    def _generic(self, body: bytes) -> Publication:
        """A response of an unusual form, read by asyncua; it may say that the subscription is over."""
        response = struct_from_binary(ua.PublishResponse, Buffer(body))
        response.ResponseHeader.ServiceResult.check()
        found: list[Notification] = []
        message = response.Parameters.NotificationMessage
        for each in message.NotificationData or ():
            if isinstance(each, ua.DataChangeNotification):
                found += [(int(one.ClientHandle), *self.told(one.Value)) for one in each.MonitoredItems or ()]
            elif isinstance(each, ua.StatusChangeNotification):
                self._end(status_name(int(each.Status.value)))
        return Publication(int(response.Parameters.SubscriptionId), int(message.SequenceNumber), found)

    def told(self, value: ua.DataValue) -> tuple[Value, int, int]:
        """Value, StatusCode and source time of a DataValue."""
        raw = value.Value.Value if value.Value is not None else None
        source = ua.datetime_to_win_epoch(value.SourceTimestamp) if value.SourceTimestamp else 0
        return self._normal(raw), int(value.StatusCode.value) if value.StatusCode else 0, FileTime(max(0, source))

    # Asking

    async def refresh(self, numbers: Iterable[int] | None = None) -> Sequence[Notification]:
        """Read items now: all that are observed or polled, or some; they arrive as all others do."""
        wanted = {number: self._items[number] for number in numbers or self._items if number in self._items}
        ids = await self._resolved({number: item for number, item in wanted.items() if number not in self._failed})
        values = await self.nodes.values(list(ids.values()))
        return self.deliver([(number, *self.told(value)) for number, value in zip(ids, values, strict=True)])

    def _poll(self) -> None:
        """One task for each interval at which items are asked for."""
        running = {task.get_name() for task in self._tasks if not task.done()}
        for interval in {item.polling for item in self._items.values() if item.polling and not item.observed}:
            if (name := f"opc ua poll {interval}") not in running:
                self._tasks.append(asyncio.create_task(self._polling(interval), name=name))

    async def _polling(self, interval: float) -> None:
        try:
            while due := [n for n, item in self._items.items() if item.polling == interval and not item.observed]:
                await self._asked(due)
                await asyncio.sleep(interval)
        except (UaError, OSError, TimeoutError) as error:
            log.info("polling ends: %s", named(error))
            self._end(named(error))

    async def _asked(self, numbers: Sequence[int]) -> None:
        items = {number: self._items[number] for number in numbers}
        ids = await self._resolved(items)
        values = await self.nodes.values(list(ids.values()))
        for number, value in zip(ids, values, strict=True):
            code = int(value.StatusCode.value) if value.StatusCode else 0
            if is_bad(code) and value.Value is None:
                self._fail(number, items[number], f"{status_name(code)}: {items[number].href}")
            elif self._failed.pop(number, None):
                self._standing.errors.pop(number, None)
        self.deliver([(number, *self.told(value)) for number, value in zip(ids, values, strict=True)])


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
    sampling = item.sampling * 1000 if item.sampling else -1.0  # as often as is published
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
