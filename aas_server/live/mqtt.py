"""A connection to an MQTT broker: topics are heard, members of their payloads become readings, values are published."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence

from aas_server.live import Action, Endpoint, Item, Link, Reading, Readings, Standing, Value
from aas_server.live.arriving import Arriving
from aas_server.live.attempting import Attempts, ended
from aas_server.live.credentials import Credentials
from aas_server.live.payloads import LARGEST, now, parsed, picked, replaced, written
from aas_server.model.errors import Malformed, TimedOut, Unavailable
from aas_server.model.quality import GOOD, INITIAL, status_code
from aas_server.mqtt import NOT_AUTHORIZED, PAYLOAD_INVALID, REFUSED, Broker, Message, Session, opened, reason
from aas_server.repository.invoking import OperationFailed

log = logging.getLogger(__name__)

#: Seconds that the broker may take to acknowledge what is published.
ANSWER = 10.0
#: What a reason code of the broker means for who writes.
_STATUS = {NOT_AUTHORIZED: "BadUserAccessDenied", PAYLOAD_INVALID: "BadTypeMismatch"}
_UNREADABLE = status_code("BadDataEncodingInvalid")


class MqttConnection:
    """One session at a time with one broker (see live.AssetConnection)."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials) -> None:
        self.standing = Standing(since=time.time())
        self._broker = Broker(
            endpoint.base, credentials.user, credentials.password, credentials.certificate, credentials.key,
            credentials.ca,
        )  # fmt: skip
        self._arriving, self._attempts = Arriving(), Attempts()
        self._topics: dict[str, list[tuple[int, Item]]] = {}
        #: The newest of each topic in this session: payload, status, time.
        self._newest: dict[str, tuple[bytes, int, int]] = {}
        self._merging = asyncio.Lock()
        self._session: Session | None = None
        self._batch: list[tuple[int, Value, int, int]] = []
        self._running = asyncio.create_task(self._run(), name=f"connection {endpoint.base}")

    # As live.AssetConnection has it

    async def observe(self, items: Mapping[int, Item]) -> None:
        before, self._topics = self._topics, defaultdict(list)
        for number, item in items.items():
            self._topics[item.href].append((number, item))
        self._arriving.items = len(items)
        self.standing.errors = {number: error for number, error in self.standing.errors.items() if number in items}
        for topic in before.keys() - self._topics.keys():
            self._newest.pop(topic, None)
        if self._session is not None:
            self._session.unsubscribe(before.keys() - self._topics.keys())
            self._subscribe(self._session, [topic for topic in self._topics if topic not in before])
        self._hear_again(before)

    def readings(self) -> AsyncIterator[Readings]:
        return self._arriving.batches()

    async def read(self, numbers: Sequence[int]) -> list[Reading]:
        """Nobody can be asked; what is published comes back by itself."""
        return []

    async def write(self, orders: Sequence[tuple[Item, Value]]) -> list[int]:
        if not any(item.pick for item, _ in orders):
            return await self._publish(orders)
        async with self._merging:  # members that are written at once must keep each other
            return await self._publish(orders)

    async def _publish(self, orders: Sequence[tuple[Item, Value]]) -> list[int]:
        before = {item.href: self._newest.get(item.href) for item, _ in orders if item.pick}
        wholes: dict[str, Value] = {}
        messages = [self._message(item, value, wholes) for item, value in orders]
        codes = await self._send(messages)
        for message, code in zip(messages, codes, strict=True):
            if code < REFUSED and message.topic in before and self._newest.get(message.topic) is before[message.topic]:
                self._newest[message.topic] = before[message.topic] = (message.payload, GOOD, now())
        return [status_code(_STATUS.get(code, "BadRequestNotAllowed")) if code >= REFUSED else GOOD for code in codes]

    def _message(self, item: Item, value: Value, wholes: dict[str, Value]) -> Message:
        """What is published: the value, or all that the topic said last with the value as a member of it."""
        topic = item.href
        if item.pick:
            if topic not in wholes and topic not in self._newest:
                raise Unavailable(f"nothing has been heard of {topic} that a member could be written into")
            whole = wholes[topic] if topic in wholes else parsed(self._newest[topic][0])
            value = wholes[topic] = replaced(whole, item.pick, value)
        return Message(topic, written(value), _service(item, 1), dict(item.options).get("retain") == "true")

    async def invoke(self, action: Action, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """Publish the arguments; a topic answers nothing."""
        (code,) = await self._send([Message(action.href, written(dict(inputs)))])
        if code >= REFUSED:
            raise OperationFailed(f"{self._broker.url} refuses {action.href}: {reason(code)}")
        return {}

    async def close(self) -> None:
        await ended(self._running)
        self._stand(Link.CLOSED)
        self._arriving.close()

    async def _send(self, messages: Sequence[Message]) -> list[int]:
        """The broker's reason code for each. Raises Unavailable, TimedOut."""
        session = self._connected()
        try:
            async with asyncio.timeout(ANSWER):
                return await session.send(messages)
        except TimeoutError:
            raise TimedOut(f"BadTimeout: {self._broker.url} did not acknowledge within {ANSWER:g} s") from None
        except ConnectionError as error:
            raise Unavailable(f"{self._broker.url} was lost: {error}") from None

    def _connected(self) -> Session:
        if self._session is None:
            self._attempts.poke()
            why = f": {self.standing.error}" if self.standing.error else ""
            raise Unavailable(f"{self._broker.url} is not connected{why}")
        return self._session

    # Sessions

    async def _run(self) -> None:
        while True:
            self._attempts.begin()
            try:
                await self._serve()
            except Exception as error:
                self._tell(str(error) or type(error).__name__)
            await self._attempts.pause(hopeless="refuses" in self.standing.error)

    async def _serve(self) -> None:
        """One session, from its beginning to its end. Raises what ends it."""
        self._newest.clear()
        session = await opened(self._broker, self._hear)
        try:
            self.standing.error = ""
            self.standing.connects += 1
            self._session = session
            self._stand(Link.CONNECTED)
            log.info("%s is connected", self._broker.url)
            self._subscribe(session, list(self._topics))
            await session.lost.wait()
            raise ConnectionError("the connection to the broker was lost")
        finally:
            self._session = None
            await session.close()

    def _subscribe(self, session: Session, topics: Sequence[str]) -> None:
        session.subscribe(
            [(topic, max(_service(item, 0) for _, item in self._topics[topic])) for topic in topics], self._refused
        )

    def _hear_again(self, before: Mapping[str, list[tuple[int, Item]]]) -> None:
        """What was heard last is news to items that are new."""
        known = {number for each in before.values() for number, _ in each}
        for topic, newest in self._newest.items():
            if fresh := [entry for entry in self._topics[topic] if entry[0] not in known]:
                self._take(fresh, *newest)

    def _refused(self, topics: Sequence[str]) -> None:
        for topic in topics:
            for number, _ in self._topics.get(topic, ()):
                self.standing.errors[number] = f"BadUserAccessDenied: the broker refuses the topic {topic}"
        self._arriving.put(())

    def _tell(self, error: str) -> None:
        if error != self.standing.error or self.standing.link is Link.CONNECTED:
            log.warning("%s: %s", self._broker.url, error)
        self.standing.error = error
        self._stand(Link.LOST)

    def _stand(self, link: Link) -> None:
        if self.standing.link is not link:
            self.standing.link, self.standing.since = link, time.time()
        self._arriving.put(())

    # Messages

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        """What the broker has only kept may be old: it is uncertain, has no time, and yields to what is heard."""
        if topic not in self._topics or (retained and topic in self._newest):
            return
        status, at = (INITIAL, 0) if retained else (GOOD, now())
        if len(payload) <= LARGEST:
            self._newest[topic] = (payload, status, at)
        self._take(self._topics[topic], payload, status, at)

    def _take(self, entries: Sequence[tuple[int, Item]], payload: bytes, status: int, at: int) -> None:
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._hand_on)
        try:
            value = parsed(payload)
        except Malformed as error:
            self._batch += [(self._wrong(number, error), None, _UNREADABLE, at) for number, _ in entries]
            return
        for number, item in entries:
            try:
                self._batch.append((number, picked(value, item.pick), status, at))
                self.standing.errors.pop(number, None)
            except Malformed as error:
                self._batch.append((self._wrong(number, error), None, _UNREADABLE, at))

    def _wrong(self, number: int, error: Malformed) -> int:
        self.standing.errors[number] = f"BadDataEncodingInvalid: {error}"
        return number

    def _hand_on(self) -> None:
        """All that came in one turn of the loop is one batch."""
        batch, self._batch = self._batch, []
        self.standing.readings += len(batch)
        self._arriving.put(batch)


def _service(item: Item, default: int) -> int:
    """The quality of service that a form asks for."""
    given = dict(item.options).get("qos", "")
    return int(given) if given in ("0", "1", "2") else default
