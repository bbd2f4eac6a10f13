"""A line to one endpoint: its connection, what is observed there, and where each reading goes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from aas_server.live import AssetConnection, Endpoint, Item, Link, Readings, Value
from aas_server.model import Document
from aas_server.model.moments import iso
from aas_server.model.quality import LAST_USABLE, NO_COMMUNICATION, status_of
from aas_server.repository.slots import Slot

log = logging.getLogger(__name__)

#: Seconds that the rate of readings is an average of.
SMOOTHED = 5.0


class Target(Protocol):
    """Where readings of an item go: an element, or the input of a transformation."""

    def set(self, value: Value, status: int, source_time: int) -> None: ...

    def doubt(self, status: int) -> None: ...

    def last(self) -> tuple[Value, int, int] | None:
        """Value, StatusCode and source time that came last; None before there were any."""
        ...


#: Told when a line comes up or goes down.
Announce = Callable[["Line"], Awaitable[None]]


class Line:
    """The items of one endpoint. `stale` is after how many seconds of silence a value is no longer usable."""

    def __init__(self, endpoint: Endpoint, connection: AssetConnection, announce: Announce, stale: float) -> None:
        self.endpoint, self.connection = endpoint, connection
        self._announce, self._stale = announce, stale
        #: How good values are while the line is down.
        self._doubtful = LAST_USABLE
        self._numbers: dict[Item, int] = {}
        self._targets: dict[int, list[Target]] = {}
        self._next = 0
        self._link = Link.CONNECTING
        #: Readings a second, and when they were last counted.
        self.rate = 0.0
        self._measured = (time.monotonic(), 0)
        #: When something was last heard.
        self.heard = 0.0
        self._doubting: asyncio.TimerHandle | None = None
        self._reading = asyncio.create_task(self._read(), name=f"line {endpoint.base}")

    def measure(self) -> None:
        """Note how many readings have come a second, on the average of about the last five, and what never will."""
        self._fail()
        now, count = time.monotonic(), self.connection.standing.readings
        at, before = self._measured
        if (passed := now - at) > 0:
            self.rate += ((count - before) / passed - self.rate) * min(1.0, passed / SMOOTHED)
        self._measured = now, count

    @property
    def idle(self) -> bool:
        return not self._numbers

    @property
    def items(self) -> int:
        return len(self._numbers)

    def add(self, item: Item, target: Target) -> None:
        if item not in self._numbers:
            self._numbers[item] = self._next
            self._targets[self._next] = []
            self._next += 1
        targets = self._targets[self._numbers[item]]
        targets.append(target)
        if (last := targets[0].last()) is not None:
            self._catch_up(target, *last)

    def _catch_up(self, target: Target, value: Value, status: int, source_time: int) -> None:
        """Who comes later has what has come already: an item that is observed does not say the same again."""
        target.set(value, status, source_time)
        if self._link is Link.LOST:
            target.doubt(self._doubtful)

    def remove(self, item: Item, target: Target) -> None:
        number = self._numbers[item]
        self._targets[number].remove(target)
        if not self._targets[number]:
            del self._targets[number], self._numbers[item]

    def _fail(self) -> None:
        """Elements that nothing has come for show what is wrong with their items."""
        for number, words in self.connection.standing.errors.items():
            for target in self._targets.get(number, ()):
                status = status_of(words)
                if isinstance(target, Slot) and target.last() is None and target.status != status:
                    target.set(None, status, 0)

    async def observe(self) -> None:
        """Let the connection know what there is now."""
        await self.connection.observe({number: item for item, number in self._numbers.items()})

    def error(self, item: Item) -> str:
        """What is wrong with an item; empty where nothing is."""
        number = self._numbers.get(item)
        return self.connection.standing.errors.get(number, "") if number is not None else ""

    async def refresh(self, items: Sequence[Item]) -> None:
        """Ask for items now, so that who has written finds what is there."""
        numbers = [self._numbers[item] for item in items if item in self._numbers]
        if numbers:
            self._take(await self.connection.read(numbers))

    async def close(self) -> None:
        if self._doubting is not None:
            self._doubting.cancel()
        await self.connection.close()
        self._reading.cancel()
        await asyncio.wait({self._reading})

    # What arrives

    async def _read(self) -> None:
        """One batch that cannot be taken does not end the line."""
        async for batch in self.connection.readings():
            try:
                if batch:
                    self._take(batch)
                if self.connection.standing.link is not self._link:
                    await self._stand(self.connection.standing.link)
                elif batch and self._link is Link.LOST:
                    self._doubt(self._doubtful)  # it came before the loss, and was waiting
            except Exception as error:
                log.exception("%s: readings cannot be taken", self.endpoint.base)
                self.connection.standing.error = f"readings cannot be taken: {error or type(error).__name__}"

    def _take(self, batch: Readings) -> None:
        self.heard = time.time()
        targets = self._targets
        for number, value, status, source_time in batch:
            for target in targets.get(number, ()):
                target.set(value, status, source_time)

    async def _stand(self, link: Link) -> None:
        """The line has come up or gone down. What has come stays, and nobody is told of each element."""
        before, self._link = self._link, link
        if self._doubting is not None:
            self._doubting.cancel()
            self._doubting = None
        if link is Link.LOST:
            self._doubt(LAST_USABLE)
            self._doubting = asyncio.get_running_loop().call_later(self._stale, self._doubt, NO_COMMUNICATION)
        if before is not link and link is not Link.CLOSED:
            await self._announce(self)

    def _doubt(self, status: int) -> None:
        self._doubtful = status
        for targets in self._targets.values():
            for target in targets:
                target.doubt(status)

    def document(self) -> Document:
        """How the line stands, for people and machines."""
        standing = self.connection.standing
        shown: Document = {
            "endpoint": self.endpoint.base,
            "state": standing.link.value,
            "since": iso(datetime.fromtimestamp(standing.since, UTC)),
            "error": standing.error,
            "connects": standing.connects,
            "items": self.items,
            "troubled": len(standing.errors),
            "readings": standing.readings,
            "rate": round(self.rate, 1),
            "gaps": standing.gaps,
            "overflows": standing.overflows,
        }
        if self.heard:
            shown["lastReading"] = iso(datetime.fromtimestamp(self.heard, UTC))
        return shown
