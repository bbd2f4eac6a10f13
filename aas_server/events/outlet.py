"""What happens, sent to an MQTT broker: at least once each, in order, from where it was when it was stopped."""

import asyncio
import contextlib
import hashlib
import logging
import math
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from aas_server.events.announcing import PLACES, CloudEvent, announced
from aas_server.events.observing import Observation, Observations, told
from aas_server.model import Document, Kind
from aas_server.model.changes import Event, Logged
from aas_server.model.errors import Gone
from aas_server.model.identifiers import encode
from aas_server.mqtt import (
    NOT_AUTHORIZED,
    PAYLOAD_INVALID,
    REFUSED,
    TOPIC_INVALID,
    Broker,
    Message,
    Session,
    opened,
    reason,
)
from aas_server.repository import Repository

log = logging.getLogger(__name__)

#: Seconds before the broker is tried again, at first and at most; between two notes of the position.
FIRST, LONGEST, NOTED = 1.0, 30.0, 1.0

_FOR_GOOD = (NOT_AUTHORIZED, TOPIC_INVALID, PAYLOAD_INVALID)


@dataclass(slots=True)
class Standing:
    """How the outlet stands, for whoever wants to know."""

    broker: str
    position: int = 0
    sent: int = 0
    #: Messages that the broker does not let this server send.
    refused: int = 0
    connected: bool = False
    error: str = ""
    #: What in event elements cannot be done as it stands there.
    defects: Sequence[Document] = ()

    def document(self) -> Document:
        troubles = {"refused": self.refused, "error": self.error, "defects": [*self.defects]}
        return {
            "broker": self.broker,
            "connected": self.connected,
            "position": self.position,
            "sent": self.sent,
            **{name: given for name, given in troubles.items() if given},
        }


class Outlet:
    """Follows the log and publishes it; how far the broker has it is stored."""

    def __init__(self, repository: Repository, broker: Broker, topic: str, root: str = "") -> None:
        self.standing = Standing(broker.url, position=repository.documents.newest)
        self._repository, self._broker = repository, broker
        self._topic, self._root = topic.strip("/"), root
        self._observations = Observations(repository, self._topic)
        self._identifier = hashlib.sha256(f"{broker.url} {topic}".encode()).hexdigest()
        self._noted, self._noted_at = 0, -math.inf

    async def follow(self) -> None:
        """Publish, until the store closes; a broker that is away is tried again."""
        delay, begun = FIRST, False
        while True:
            before = self.standing.position
            try:
                if not begun:
                    await self._begin()
                    begun = True
                session = await opened(self._broker)
                try:
                    return await self._publish(session)
                finally:
                    self.standing.connected = False
                    await session.close()
            except (OSError, TimeoutError, ValueError) as error:
                self._tell(str(error) or type(error).__name__)
            except Gone as error:
                log.warning("events for %s begin anew, some are left out: %s", self._broker.url, error)
                self.standing.position = self._repository.documents.newest
            except Exception:
                log.exception("events could not be published at %s; it is tried again", self._broker.url)
            if self.standing.position != before:
                delay = FIRST  # a broker that only takes the session is not well yet
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST)

    async def _begin(self) -> None:
        await self._observations.load()
        self.standing.defects = self._observations.defects
        await self._resume()

    def _tell(self, error: str) -> None:
        if error != self.standing.error:
            log.warning("%s: %s", self._broker.url, error)
        self.standing.error = error

    async def _publish(self, session: Session) -> None:
        log.info("events are published at %s", self._broker.url)
        self.standing.connected, self.standing.error = True, ""
        changes = self._repository.changes(self.standing.position)
        coming = asyncio.ensure_future(anext(changes, None))
        lost = asyncio.ensure_future(session.lost.wait())
        try:
            while True:
                await asyncio.wait({coming, lost}, timeout=self._patience(), return_when=asyncio.FIRST_COMPLETED)
                if lost.done():
                    raise ConnectionError("the session with the broker is lost")
                if not coming.done():
                    await self._deliver(session, [])
                    await self._note()
                    continue
                if (batch := coming.result()) is None:
                    return
                await self._send(session, batch)
                coming = asyncio.ensure_future(anext(changes, None))
        finally:
            for task in (coming, lost):
                task.cancel()
            await asyncio.gather(coming, lost, return_exceptions=True)
            await self._note()

    def _patience(self) -> float | None:
        """Seconds after which there is something to do even if nothing happens."""
        now = asyncio.get_running_loop().time()
        unnoted = self.standing.position != self._noted
        due = min(self._observations.next, self._noted_at + NOTED if unnoted else math.inf)
        return None if due == math.inf else max(0.0, due - now)

    async def _send(self, session: Session, batch: Sequence[Logged]) -> None:
        edited = {each.identifier for each in batch if each.kind is Kind.SUBMODEL and each.event is not Event.VALUE}
        if edited:
            await self._observations.note(edited)
            self.standing.defects = self._observations.defects
        told_of = [each for each in batch if each.kind in PLACES]
        events = await announced(self._repository, told_of, self._root)
        codes = await self._deliver(session, events)
        self.standing.position = batch[-1].sequence
        self.standing.sent += sum(code < REFUSED for code in codes[: len(events)])
        if not events and self._noted == batch[0].sequence - 1:
            self._noted = self.standing.position  # that the position was stored is no news
        if asyncio.get_running_loop().time() >= self._noted_at + NOTED:
            await self._note()

    async def _deliver(self, session: Session, events: Sequence[CloudEvent]) -> list[int]:
        """Send what has happened and what event elements have to say; what did not arrive will be sent again."""
        waiting = self._observations.waiting()
        try:
            return await self._publish_all(session, [*map(self._message, events), *self._messages(events)])
        except BaseException:
            for observation, event in waiting:
                observation.waiting = observation.waiting or event
            raise

    async def _publish_all(self, session: Session, messages: Sequence[Message]) -> list[int]:
        """Send; what the broker will not take however often it is sent is counted and told, and holds nothing up.

        Raises ConnectionError for what it may take later, and where the session is lost.
        """
        codes = await session.send(messages)
        for message, code in zip(messages, codes, strict=True):
            if code < REFUSED:
                continue
            told_of = f"the broker refuses {message.topic}: {reason(code)}"
            if code not in _FOR_GOOD:
                raise ConnectionError(told_of)
            self.standing.refused += 1
            if not self.standing.error:
                self._tell(told_of)
        return codes

    def _message(self, event: CloudEvent) -> Message:
        """Names that a package brought along may be none of Part 1, and hold what no topic may."""
        path = quote(event.path, safe="/[]")
        return Message(f"{self._topic}/{path}/{event.change.event.value}", event.body)

    # Event elements

    def _messages(self, events: Sequence[CloudEvent]) -> list[Message]:
        """What event elements have to say now, of what has happened and of what has waited."""
        now = asyncio.get_running_loop().time()
        found: list[Message] = []
        for event in events:
            for observation in self._observations.concerned(event):
                if now >= observation.sent + observation.least:
                    found.append(self._said(observation, event, now))
                else:
                    observation.waiting = event
        return [*found, *(self._said(each, each.waiting, now) for each in self._observations.due(now))]

    def _said(self, observation: Observation, event: CloudEvent | None, now: float) -> Message:
        observation.sent, observation.waiting = now, None
        source = f"{self._root}/submodels/{encode(observation.source['keys'][0]['value'])}"
        return Message(observation.topic, told(observation, event, source, uuid.uuid4().hex))

    # How far it has come

    async def _resume(self) -> None:
        """Go on where the broker had it; the first time, with what happens after this was made."""
        for entry in await self._repository.several(Kind.OUTBOX, [self._identifier]):
            if entry.document["store"] == self._repository.documents.store_id:
                self.standing.position = self._noted = entry.document["position"]

    async def _note(self) -> None:
        """Store the position. That is a change itself and must not lead to another."""
        if self.standing.position == self._noted:
            return
        self._noted_at, self._noted = asyncio.get_running_loop().time(), self.standing.position
        store = self._repository.documents.store_id
        document = {"id": self._identifier, "broker": self._broker.url, "store": store, "position": self._noted}
        await self._repository.put(document, kind=Kind.OUTBOX)


@contextlib.asynccontextmanager
async def publishing(repository: Repository, broker: Broker, topic: str, root: str) -> AsyncIterator[Standing]:
    """Publishes what happens as long as the block lasts."""
    outlet = Outlet(repository, broker, topic, root)
    task = asyncio.create_task(outlet.follow(), name="outlet")
    try:
        yield outlet.standing
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
