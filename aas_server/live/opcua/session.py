"""One session with a server: what it observes, and what arrives. It ends with its connection and is never mended."""

import asyncio
import logging
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaerrors import BadTimeout

from aas_server.live import Item, Readings, Standing
from aas_server.live.opcua.decoding import Notification, Publication, Unusual, decode
from aas_server.live.opcua.forming import Forming
from aas_server.live.opcua.monitoring import Monitoring
from aas_server.live.opcua.nodes import Nodes, named
from aas_server.live.opcua.polling import Polling
from aas_server.live.opcua.skipping import Undecoded
from aas_server.model.quality import status_code, status_name

log = logging.getLogger(__name__)

#: PublishRequests that wait at the server: enough for a round trip that takes as long as several publications.
DEPTH = 6
_TIMEOUT = status_code("BadTimeout")
#: Seconds between two times that everything is read because something cannot be, or has been missed.
APART = 1.0
#: What a server says of a node or of what is asked of it, and not of its value.
_WRONG = frozenset(
    ("BadNodeIdUnknown", "BadNodeIdInvalid", "BadAttributeIdInvalid", "BadNotReadable", "BadUserAccessDenied",
     "BadNotSupported", "BadSecurityModeInsufficient")
)  # fmt: skip


class Session:
    """What is observed in one session. `put` takes batches; `standing` is told what is wrong with which item."""

    def __init__(self, client: Client, standing: Standing, put: Callable[[Readings], None]) -> None:
        self._client, self._standing, self._put = client, standing, put
        self.nodes = Nodes(client)
        self.over = asyncio.Event()
        #: Why it is over.
        self.why = ""
        self._at = Monitoring(client, self.nodes, standing)
        self._forming = Forming(self._at, standing, client.server_url.netloc)
        self._publishing = False
        self._sequences: dict[int, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._polling = Polling(self._at.items, self._asked, self._slow)
        self._missed = asyncio.Event()
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
        await asyncio.gather(*self._tasks, self._polling.close(), return_exceptions=True)
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
            self._tasks.append(asyncio.create_task(self._make_good(), name="opc ua read all"))
        self._polling.renew()

    # What arrives

    async def _publish(self) -> None:
        """One of several requests that always wait at the server."""
        try:
            while not self.over.is_set():
                await self._published()
        except Exception as error:
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
        self._take(bytes(data._data[data._cur_pos : data._cur_pos + data._size]))

    async def _listen(self) -> None:
        """A server that gives no sign of life, though it has promised to, is gone."""
        while (silent := time.monotonic() - self._heard) < self._at.patience:  # noqa: ASYNC110 - an event costs more
            await asyncio.sleep(self._at.patience - silent)
        self._end("BadTimeout: the server has fallen silent")

    def _take(self, body: bytes) -> None:
        try:
            publication = self._publication(body)
        except (struct.error, IndexError) as error:
            log.info("a publication cannot be decoded: %s", error)
            self._missed.set()
            return
        if publication.notifications:
            self._put(self._forming.formed(publication.notifications))
        if publication.notifications or not publication.whole:
            self._note(publication)
        gap = self._gap(publication)
        self._standing.gaps += gap
        if gap or not publication.whole:
            self._missed.set()

    def _publication(self, body: bytes) -> Publication:
        try:
            return decode(body, self._forming.normal)
        except Unusual:
            return self._generic(body)

    def _gap(self, publication: Publication) -> bool:
        """Whether a publication has been left out. A sign of life carries the number that comes next."""
        last = self._sequences.get(publication.subscription)
        told = publication.notifications or not publication.whole
        kept = publication.sequence if told else publication.sequence - 1
        self._sequences[publication.subscription] = kept
        return last is not None and kept not in (last, last + 1) and not (last >= 2**32 - 1 and kept <= 1)

    def _note(self, publication: Publication) -> None:
        self._acknowledged.append(
            ua.SubscriptionAcknowledgement(
                SubscriptionId=ua.IntegerId(publication.subscription), SequenceNumber=ua.Counter(publication.sequence)
            )
        )

    def _generic(self, body: bytes) -> Publication:
        """A response of an unusual form, read by asyncua; it may say that the subscription is over.

        Raises struct.error for one that cannot be decoded.
        """
        try:
            response = struct_from_binary(ua.PublishResponse, Buffer(body))
        except Exception as error:  # whatever asyncua stumbles over
            raise struct.error(str(error)) from None
        response.ResponseHeader.ServiceResult.check()
        found: list[Notification] = []
        message = response.Parameters.NotificationMessage
        for each in message.NotificationData or ():
            if isinstance(each, ua.DataChangeNotification):
                found += [(int(one.ClientHandle), *self._forming.told(one.Value)) for one in each.MonitoredItems or ()]
            elif isinstance(each, ua.StatusChangeNotification):
                self._end(status_name(int(each.Status.value)))
        return Publication(int(response.Parameters.SubscriptionId), int(message.SequenceNumber), found)

    # Asking

    async def read(self, numbers: Iterable[int]) -> Sequence[Notification]:
        """What items say now."""
        wanted = {n: self._at.items[n] for n in numbers if n in self._at.items and n not in self._at.failed}
        return [told async for some in self._answers(wanted) for told in self._forming.answered(some)]

    async def _answers(self, items: Mapping[int, Item]) -> AsyncIterator[list[tuple[int, ua.DataValue]]]:
        """What the server says of these, answer by answer."""
        ids = await self._at.resolved(items)
        numbers = iter(ids)
        async for values in self.nodes.answers(list(ids.values()), AttributeIds.Value):
            yield [(number, value) for value, number in zip(values, numbers, strict=False)]

    async def _make_good(self) -> None:
        """Read everything whenever something has been missed."""
        try:
            while True:
                await self._missed.wait()
                self._missed.clear()
                await self._refresh()
                await asyncio.sleep(APART)
        except Exception as error:
            self._end(named(error))

    async def _refresh(self) -> None:
        """Whose value cannot be decoded, and may hide those of others, is not monitored until it is tried again."""
        items = {number: item for number, item in self._at.items.items() if number not in self._at.failed}
        async for some in self._answers(items):
            self._put(self._forming.answered(some))
            await self._at.release([number for number, value in some if isinstance(value, Undecoded)])

    async def _asked(self, numbers: Sequence[int]) -> None:
        """Poll these. Raises TimeoutError."""
        items = {number: self._at.items[number] for number in numbers if number not in self._at.released}
        try:
            async for some in self._answers(items):
                for number, value in some:
                    self._judge(number, items[number], value)
                self._put(self._forming.answered(some))
                await self._at.release([number for number, value in some if isinstance(value, Undecoded)])
        except (TimeoutError, BadTimeout):
            raise TimeoutError from None
        except Exception as error:
            self._end(named(error))

    def _judge(self, number: int, item: Item, value: ua.DataValue) -> None:
        """What is wrong with the node is told as of one that is monitored; what is wrong with its value, by that."""
        code = int(value.StatusCode.value) if value.StatusCode else 0
        if (name := status_name(code)) in _WRONG:
            self._at.fail(number, item, f"{name}: {item.href}")
        else:
            self._at.mend(number)

    def _slow(self, number: int) -> None:
        """A polled item does not answer in time."""
        self._at.fail(number, self._at.items[number], f"BadTimeout: {self._at.items[number].href}")
        self._put([(number, None, _TIMEOUT, 0)])
