"""One session with a server: what it observes, and what arrives. It ends with its connection and is never mended."""

import asyncio
import logging
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaerrors import BadTimeout, UaError

from aas_server.live import FileTime, Item, Readings, Standing, Value
from aas_server.live.opcua.decoding import Notification, Publication, Unusual, decode
from aas_server.live.opcua.monitoring import ALIVE, Monitoring
from aas_server.live.opcua.nodes import Nodes, named
from aas_server.live.opcua.values import normal
from aas_server.model.errors import Malformed
from aas_server.model.quality import is_bad, status_code, status_name

log = logging.getLogger(__name__)

#: PublishRequests that wait at the server: enough for a round trip that takes as long as several publications.
DEPTH = 6
#: StatusCodes with this bit tell that values were lost between two (OPC 10000-4, 7.39.1: Overflow).
_OVERFLOW = 0x480
_UNREADABLE = status_code("BadDataEncodingUnsupported")


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
        self._at = Monitoring(client, self.nodes, standing)
        self._publishing = False
        self._sequences: dict[int, int] = {}
        #: Whether what has been decoded holds something unreadable; items whose last value was.
        self._suspect = False
        self._unfit: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._heard = time.monotonic()
        self._acknowledged: list[ua.SubscriptionAcknowledgement] = []

    async def open(self) -> None:
        self._standing.errors.clear()  # those of the session before
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
        if subscriptions := list(self._at.subscriptions.values()):
            await self._client.uaclient.session.delete_subscriptions(subscriptions)

    async def lose(self, error: Exception) -> None:
        """The connection is gone; asyncua says so."""
        self._end(named(error))

    def _end(self, why: str) -> None:
        self.why = self.why or why
        self.over.set()

    async def observe(self, items: Mapping[int, Item]) -> None:
        """Observe exactly these. What fails is told, and tried again with the next call."""
        await self._at.observe(items)
        if self._at.subscriptions and not self._publishing:
            self._publishing = True
            self._tasks += [asyncio.create_task(self._publish(), name="opc ua publish") for _ in range(DEPTH)]
            self._tasks.append(asyncio.create_task(self._listen(), name="opc ua listen"))
        self._poll()

    @property
    def troubled(self) -> bool:
        return bool(self._at.failed)

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
            self._put(self.formed(publication.notifications))
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

    def formed(self, found: Sequence[Notification]) -> Sequence[Notification]:
        """The values in the shape that each item wants."""
        self._standing.readings += len(found)
        self._standing.overflows += sum([status & _OVERFLOW == _OVERFLOW for _, _, status, _ in found])
        if self._at.shapes or self._suspect or self._unfit:
            found = [self._formed(*each) for each in found]
            self._suspect = False
        return found

    def _formed(self, number: int, value: Value, status: int, source: int) -> Notification:
        try:
            value = self._shaped(number, value)
        except Malformed as error:
            self._unfit.add(number)
            self._standing.errors[number] = str(error)
            return number, None, _UNREADABLE, source
        if number in self._unfit:
            self._unfit.discard(number)
            self._standing.errors.pop(number, None)
        return number, value, status, source

    def _shaped(self, number: int, value: Value) -> Value:
        if isinstance(value, Unreadable):
            raise Malformed(str(value))
        shape = self._at.shapes.get(number)
        return shape(value) if shape is not None else value

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

    async def refresh(self) -> None:
        """Read all items, as something may have been missed."""
        self._put(await self.read(list(self._at.items)))

    async def read(self, numbers: Iterable[int]) -> Sequence[Notification]:
        """What items say now."""
        wanted = {number: self._at.items[number] for number in numbers if number in self._at.items}
        ids = await self._at.resolved({n: item for n, item in wanted.items() if n not in self._at.failed})
        values = await self.nodes.values(list(ids.values()))
        return self.formed([(number, *self.told(value)) for number, value in zip(ids, values, strict=True)])

    def _poll(self) -> None:
        """One task for each interval at which items are asked for."""
        running = {task.get_name() for task in self._tasks if not task.done()}
        for interval in {item.polling for item in self._at.items.values() if item.polling and not item.observed}:
            if (name := f"opc ua poll {interval}") not in running:
                self._tasks.append(asyncio.create_task(self._polling(interval), name=name))

    async def _polling(self, interval: float) -> None:
        try:
            while due := [n for n, item in self._at.items.items() if item.polling == interval and not item.observed]:
                await self._asked(due)
                await asyncio.sleep(interval)
        except (UaError, OSError, TimeoutError) as error:
            log.info("polling ends: %s", named(error))
            self._end(named(error))

    async def _asked(self, numbers: Sequence[int]) -> None:
        items = {number: self._at.items[number] for number in numbers}
        ids = await self._at.resolved(items)
        values = await self.nodes.values(list(ids.values()))
        for number, value in zip(ids, values, strict=True):
            code = int(value.StatusCode.value) if value.StatusCode else 0
            if is_bad(code) and value.Value is None:
                self._at.fail(number, items[number], f"{status_name(code)}: {items[number].href}")
            else:
                self._at.mend(number)
        self._put(self.formed([(number, *self.told(value)) for number, value in zip(ids, values, strict=True)]))
