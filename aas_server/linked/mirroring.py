"""The newest values of the plant, written where queries see them at once."""

import contextlib
import os
from collections.abc import Callable, Iterator

from aas_server.graph.iris import Places
from aas_server.graph.sharing import NOWHERE, PLACES, Table, memory
from aas_server.model.moments import BEFORE_1970, TICKS
from aas_server.repository.live import LiveValues
from aas_server.repository.slots import NOTHING, Slot

Told = Callable[[dict[str, int]], None]


class Mirror:
    """A place for each live element."""

    def __init__(self, live: LiveValues, root: str) -> None:
        self._live, self._iris = live, Places(root)
        self._told: list[Told] = []
        self.descriptor = memory()
        self._table = Table(self.descriptor)
        self._places: dict[Slot, int] = {}
        self._free: list[int] = []

    @contextlib.contextmanager
    def telling(self, tell: Told) -> Iterator[None]:
        """As long as the block lasts, `tell` is told of all places, by the IRIs of their elements.

        From the first time on every value is written as it comes; those that are there already, too.
        """
        tell({self._iri(slot): place for slot, place in self._places.items()})
        self._told.append(tell)
        if self._live.mirror is not self:
            self._live.mirror = self
            for feed in self._live.feeds.values():
                for slot in feed.slots.values():
                    self.show(slot)
        try:
            yield
        finally:
            self._told.remove(tell)

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
            self._tell({self._iri(slot): NOWHERE})
            self._table.clear(place)
            self._free.append(place)

    def _new(self, slot: Slot) -> int | None:
        """A place; None where there are no more."""
        place = self._free.pop() if self._free else len(self._places)
        if place >= PLACES:
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
