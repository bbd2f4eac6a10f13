"""The newest values of the plant, written where queries see them at once."""

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TypeVar

from aas_server.graph.iris import Places
from aas_server.graph.sharing import NOWHERE, PLACES, Table, memory
from aas_server.model.moments import BEFORE_1970, TICKS
from aas_server.repository.live import LiveValues
from aas_server.repository.slots import NOTHING, Slot

Told = Callable[[dict[str, int]], None]
Item = TypeVar("Item")
#: Seconds that a place rests before another element gets it: no query is so old that it would take one for the other.
RESTS = 600.0
#: Elements in one go, so that others have their turns.
AT_ONCE = 1000


def batched(several: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (several[start : start + AT_ONCE] for start in range(0, len(several), AT_ONCE))


class Mirror:
    """A place for each live element."""

    def __init__(self, live: LiveValues, root: str) -> None:
        self._live, self._iris = live, Places(root)
        self._told: list[Told] = []
        self.descriptor = memory()
        self._table = Table(self.descriptor)
        self._places: dict[Slot, int] = {}
        self._next = 0
        #: Places that are free, and since when.
        self._free: deque[tuple[float, int]] = deque()

    @contextlib.asynccontextmanager
    async def telling(self, tell: Told) -> AsyncIterator[None]:
        """As long as the block lasts, `tell` is told of all places, by the IRIs of their elements.

        From the first time on every value is written as it comes; those that are there already, too.
        """
        self._told.append(tell)
        try:
            for some in batched(list(self._places.items())):
                tell({self._iri(slot): place for slot, place in some if self._places.get(slot) == place})
                await asyncio.sleep(0)
            if self._live.mirror is not self:
                self._live.mirror = self
                for several in batched([slot for feed in self._live.feeds.values() for slot in feed.slots.values()]):
                    for slot in several:
                        self.show(slot)
                    await asyncio.sleep(0)
            yield
        finally:
            self._told.remove(tell)

    def known(self) -> dict[str, int]:
        """The places of all live elements, by their IRIs."""
        return {self._iri(slot): place for slot, place in self._places.items()}

    def _tell(self, found: dict[str, int]) -> None:
        for tell in self._told:
            tell(found)

    def show(self, slot: Slot) -> None:
        """Write what a slot has."""
        if slot.raw is NOTHING:
            return
        place = self._places.get(slot)
        if place is None and (place := self._new(slot)) is None:
            return
        seconds = slot.source_time / TICKS - BEFORE_1970 if slot.source_time else 0.0
        self._table.write(place, slot.raw, slot.code, seconds)

    def forget(self, slot: Slot) -> None:
        """An element is fed no more."""
        if (place := self._places.pop(slot, None)) is not None:
            other = self._live.slot(slot.feed.submodel_id, slot.path)
            if other is None or other not in self._places:  # else another feeds it from now on
                self._tell({self._iri(slot): NOWHERE})
            self._table.clear(place)
            self._free.append((time.monotonic(), place))

    def _new(self, slot: Slot) -> int | None:
        """A place; None where there are no more."""
        if self._free and time.monotonic() - self._free[0][0] >= RESTS:
            _, place = self._free.popleft()
        elif self._next < PLACES:
            place, self._next = self._next, self._next + 1
        else:
            return None
        self._places[slot] = place
        self._tell({self._iri(slot): place})
        return place

    def _iri(self, slot: Slot) -> str:
        return self._iris.element(slot.feed.submodel_id, slot.path)

    def close(self) -> None:
        if self._live.mirror is self:
            self._live.mirror = None
        self._table.close()
        os.close(self.descriptor)
