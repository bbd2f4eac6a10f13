"""Sessions with an MQTT broker: 5.0, and 3.1.1 with a broker that knows no other; gmqtt does the protocol."""

import asyncio
import contextlib
import socket
import ssl
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from gmqtt import Client, Subscription
from gmqtt import Message as Packet
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from gmqtt.mqtt.handler import MQTTConnectError
from gmqtt.storage import PersistentStorage

PORTS = {"mqtt": 1883, "mqtts": 8883}
#: Seconds between signs of life; twice as many without one, and the session is over.
ALIVE = 5
#: Topics in one packet.
TOPICS = 5000
#: A code of gmqtt for as many attempts to connect again: it would begin on its own otherwise.
_NEVER = -2

#: The first reason code by which what is acknowledged is refused (MQTT 5.0, 2.4); 3.1.1 has none, and says nothing.
REFUSED = 0x80
NOT_AUTHORIZED, TOPIC_INVALID, PAYLOAD_INVALID = 0x87, 0x90, 0x99
_REASONS = {
    0x83: "implementation specific error", NOT_AUTHORIZED: "not authorized", TOPIC_INVALID: "topic name invalid",
    0x95: "packet too large", 0x97: "quota exceeded", PAYLOAD_INVALID: "payload format invalid",
}  # fmt: skip

Listed = TypeVar("Listed")

#: Told of each message: its topic, its payload, and whether the broker has only kept it.
Heard = Callable[[str, bytes, bool], None]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and who we are to it. `url` is like mqtts://host:8883, `ca` the file of who vouches for it."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    certificate: str = ""
    key: str = ""
    ca: str = ""

    def context(self) -> ssl.SSLContext | None:
        """How the broker is believed; None where it need not be. Raises OSError for files that cannot be read."""
        if not self.url.startswith("mqtts"):
            return None
        context = ssl.create_default_context(cafile=self.ca or None)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None)
        return context


class Message(NamedTuple):
    """What is published: `service` is the quality of service, and the broker keeps it where it is `retained`."""

    topic: str
    payload: bytes
    service: int = 1
    retained: bool = False


@dataclass(slots=True)
class Sent:
    """A message on its way; once it is acknowledged, `code` is the broker's reason code."""

    code: int = 0


def reason(code: int) -> str:
    return _REASONS.get(code, f"reason code 0x{code:02X}")


class Session:
    """One session, from `open` until it is lost or closed."""

    def __init__(self, broker: Broker, heard: Heard | None = None) -> None:
        self.lost = asyncio.Event()
        self._broker, self._heard = broker, heard
        self._stored = PersistentStorage()
        self._client = Client(f"aas-{uuid.uuid4().hex[:16]}", persistent_storage=self._stored)
        self._client.set_config({"reconnect_retries": _NEVER})
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._refused: Callable[[Sequence[str]], None] | None = None
        self._sent: dict[int, Sent] = {}
        for name in ("_handle_puback_packet", "_handle_pubrec_packet"):
            self._judge(name)

    def _judge(self, name: str) -> None:
        """gmqtt acknowledges whatever the broker says of it; what it says is in the packet (MQTT 5.0, 3.4.2)."""
        handler = self._client._package_handler
        handle = getattr(handler, name)

        def judged(command: int, packet: bytes) -> None:
            number = int.from_bytes(packet[:2], "big")
            if number in self._sent and len(packet) > 2:
                self._sent[number].code = packet[2]
            handle(command, packet)

        setattr(handler, name, judged)

    async def open(self, version: int = MQTTv50) -> None:
        """Connect. Raises OSError where that cannot be, with the broker's reason; TimeoutError is for the caller."""
        parts = urlsplit(self._broker.url)
        context = await asyncio.to_thread(self._broker.context)
        if self._broker.user:
            self._client.set_auth_credentials(self._broker.user, self._broker.password)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        try:
            await self._client.connect(host, port, ssl=context or False, keepalive=ALIVE, version=version)
        except MQTTConnectError as error:
            raise ConnectionRefusedError(f"the broker refuses the session: {error}") from None
        except ConnectionRefusedError:
            raise ConnectionRefusedError("nobody listens there") from None
        except socket.gaierror:
            raise ConnectionError(f"nobody knows the host {host}") from None

    def subscribe(self, topics: Iterable[tuple[str, int]], refused: Callable[[Sequence[str]], None]) -> None:
        """Hear of topics, each with a quality of service; those that the broker does not allow are told."""
        self._refused = refused
        for portion in _portions([Subscription(topic, qos=service) for topic, service in topics], TOPICS):
            self._client.subscribe(portion)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        for portion in _portions([*topics], TOPICS):
            self._client.unsubscribe(portion)

    def publish(self, topic: str, payload: bytes, service: int = 1, *, retained: bool = False) -> Sent:
        """Send a message. Raises ConnectionError where the session is lost."""
        if self.lost.is_set():
            raise ConnectionError("the session with the broker is lost")
        packet = Packet(topic, payload, qos=service, retain=retained)
        number, content = self._client._connection.publish(packet)
        sent = Sent()
        if service:
            self._sent[number] = sent
            self._stored.push_message(number, content)
        return sent

    async def send(self, messages: Sequence[Message]) -> list[int]:
        """Send all, and wait until the broker has them; its reason code for each.

        Raises ConnectionError where the session is lost before.
        """
        sent: list[Sent] = []
        for message in messages:
            try:
                sent.append(self.publish(*message[:3], retained=message.retained))
            except OverflowError:  # the broker takes no more at a time
                await self.acknowledged()
                sent.append(self.publish(*message[:3], retained=message.retained))
        await self.acknowledged()
        return [each.code for each in sent]

    async def acknowledged(self) -> None:
        """Wait until the broker has all that was sent. Raises ConnectionError where the session is lost before."""
        waiting = [asyncio.ensure_future(self._stored.wait_empty()), asyncio.ensure_future(self.lost.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        if self.lost.is_set():
            raise ConnectionError("the session with the broker was lost before it had all that was sent")

    async def close(self) -> None:
        """Say goodbye; whatever happens, the socket is closed."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await self._client.disconnect()
        self.lost.set()

    # What gmqtt calls

    def _on_message(self, client: Client, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> int:
        if self._heard is not None:
            self._heard(topic, bytes(payload), bool(properties.get("retain")))
        return 0

    def _on_disconnect(self, client: Client, packet: object, exc: object = None) -> None:
        self.lost.set()

    def _on_subscribe(self, client: Client, mid: int, granted: Sequence[int], properties: object) -> None:
        refused = [each.topic for each in client.subscriptions if each.mid == mid and not each.acknowledged]
        if refused and self._refused is not None:
            self._refused([topic.decode() if isinstance(topic, bytes) else topic for topic in refused])


def _portions(listed: Sequence[Listed], most: int) -> Iterator[Sequence[Listed]]:
    for start in range(0, len(listed), most):
        yield listed[start : start + most]


async def opened(broker: Broker, heard: Heard | None = None, seconds: float = 5.0) -> Session:
    """A session that is open; where the broker does not answer to 5.0, one of 3.1.1. Raises OSError, TimeoutError."""
    for version in (MQTTv50, MQTTv311):
        session = Session(broker, heard)
        try:
            async with asyncio.timeout(seconds):
                await session.open(version)
        except TimeoutError:
            await session.close()
        except BaseException:
            await session.close()
            raise
        else:
            return session
    raise TimeoutError(f"{broker.url} does not answer")
