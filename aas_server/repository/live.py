"""Values of the plant, the newest of each element: every reader sees them at once, they are stored in batches."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from aas_server.model import Document, Kind
from aas_server.model.changes import Change, Delete, Outcome, Put, Readings, SetValue, Told
from aas_server.model.edit import Attributes, apply_values
from aas_server.model.errors import NotFound
from aas_server.model.paths import CHILDREN, IdShortPath, resolver
from aas_server.repository.entries import Entry
from aas_server.repository.slots import NOTHING, Converter, Slot

#: Documents with values laid over them that are kept.
KEPT = 256


class Feed:
    """The elements of one submodel that the plant feeds."""

    def __init__(self, table: "LiveValues", submodel_id: str) -> None:
        self.table, self.submodel_id = table, submodel_id
        self.revision = self.version = 0
        self.slots: dict[IdShortPath, Slot] = {}
        self.dirty: dict[Slot, None] = {}
        #: The slots at and below each path.
        self._below: dict[IdShortPath, dict[Slot, None]] = {}
        self._related: dict[IdShortPath, tuple[Slot, ...]] = {}

    def move(self) -> int:
        self.version = self.table.version = self.table.version + 1
        return self.version

    def add(self, slot: Slot) -> None:
        if (other := self.slots.get(slot.path)) is not None:
            self._leave(other)
        self.slots[slot.path] = slot
        for end in range(len(slot.path) + 1):
            self._below.setdefault(slot.path[:end], {})[slot] = None
        self._related.clear()
        self.move()

    def remove(self, slot: Slot) -> None:
        if self.slots.get(slot.path) is slot:  # else another feeds the element already
            del self.slots[slot.path]
            self._leave(slot)
        self.dirty.pop(slot, None)
        self._related.clear()
        self.move()

    def _leave(self, slot: Slot) -> None:
        for end in range(len(slot.path) + 1):
            held = self._below[slot.path[:end]]
            held.pop(slot)
            if not held:
                del self._below[slot.path[:end]]

    def rebind(self, document: Document | None, revision: int) -> None:
        """The submodel is another one now: all values are to be stored anew, over what came with it."""
        self.revision = revision
        at = resolver(document) if document is not None else None
        for slot in self.slots.values():
            slot.bind(_found(at, slot.path))
            slot.version = self.move()
            if slot.raw is not NOTHING:
                self.dirty[slot] = None

    def related(self, path: IdShortPath) -> tuple[Slot, ...]:
        """The slots at, above and below a path: those that matter to who looks there."""
        if path not in self._related:
            if len(self._related) >= 10_000:
                self._related.clear()
            above = [self.slots[path[:end]] for end in range(1, len(path)) if path[:end] in self.slots]
            self._related[path] = (*above, *self._below.get(path, ()))
        return self._related[path]

    def laid_over(self, document: Document, slots: Sequence[Slot]) -> Document:
        """The document with the values of these slots, and their quality where that is wanted."""
        at = resolver(document)
        updates: list[tuple[IdShortPath, Attributes]] = []
        for slot in slots:
            if (element := _found(at, slot.path)) is None:
                continue
            updates += slot.updates()
            if self.table.qualifiers:
                updates.append((slot.path, slot.qualified(element)))
        return apply_values(document, updates)

    def told(self) -> tuple[Readings | None, list[tuple[IdShortPath, Attributes]]]:
        """What is to be stored: values, and whole containers whose elements are others now. All is clean then."""
        values: list[Told] = []
        whole: list[tuple[IdShortPath, Attributes]] = []
        slots, self.dirty = list(self.dirty), {}
        for slot in slots:
            if slot.element is None:
                continue
            values += _told(slot, whole)
        return (Readings(self.submodel_id, self.revision, values) if values else None), whole


def _told(slot: Slot, whole: list[tuple[IdShortPath, Attributes]]) -> Iterator[Told]:
    """What one slot has to store; from now on its element is as it is stored then."""
    assert slot.element is not None  # noqa: S101 - the caller has looked
    updates, depth = slot.updates(), len(slot.path)
    at, source_time = None, slot.at
    for path, attributes in updates:
        if path != slot.path:
            at = at or resolver(slot.element)
            if (element := _found(at, path[depth:])) is not None:
                yield Told(path, attributes, element, slot.quality, source_time)
        elif slot.element["modelType"] in CHILDREN:
            whole.append((path, attributes))
        else:
            yield Told(path, attributes, slot.element, slot.quality, source_time)
    slot.element = apply_values(slot.element, [(path[depth:], attributes) for path, attributes in updates])


def _found(at: Callable[[IdShortPath], Document] | None, path: IdShortPath) -> Document | None:
    try:
        return at(path) if at is not None else None
    except NotFound:
        return None


class Mirror(Protocol):
    """Where else values are to be seen at once."""

    def show(self, slot: Slot) -> None: ...

    def forget(self, slot: Slot) -> None: ...


class LiveValues:
    """The feeds of all submodels. `qualifiers`: elements tell the quality and the source time of their values.

    `version` never comes again, not in another process either: it begins with the microseconds since 1970.
    """

    def __init__(self, qualifiers: bool = False) -> None:
        self.qualifiers = qualifiers
        self.version = time.time_ns() // 1000
        self.feeds: dict[str, Feed] = {}
        self.mirror: Mirror | None = None
        #: Submodels with values that have become less good, or good again, which is no change of theirs.
        self.doubted: set[str] = set()
        self._kept: dict[tuple[str, IdShortPath], tuple[Entry, int, Entry]] = {}

    def bind(self, submodel_id: str, wanted: Mapping[IdShortPath, Converter], base: Entry | None) -> list[Slot]:
        """A slot for each of these elements of the submodel as it is stored (None: it is not there yet)."""
        feed = self.feeds.setdefault(submodel_id, Feed(self, submodel_id))
        at = resolver(base.document) if base is not None else None
        feed.revision = base.revision if base is not None else 0
        slots = [Slot(feed, path, converter) for path, converter in wanted.items()]
        for slot in slots:
            feed.add(slot)
            slot.bind(_found(at, slot.path))
        return slots

    def unbind(self, slot: Slot) -> None:
        """The element is no longer fed. What it has is stored before, by whoever calls this."""
        feed = slot.feed
        feed.remove(slot)
        if self.mirror is not None:
            self.mirror.forget(slot)
        if not feed.slots:
            self.feeds.pop(feed.submodel_id, None)

    def requalified(self) -> set[str]:
        """The submodels whose values have become less good, or good again, since this was last asked."""
        found, self.doubted = self.doubted, set()
        return found

    def slot(self, submodel_id: str, path: IdShortPath) -> Slot | None:
        """The slot of exactly this element."""
        feed = self.feeds.get(submodel_id)
        return feed.slots.get(path) if feed else None

    def fed(self, submodel_id: str, path: IdShortPath) -> Slot | None:
        """The slot that feeds an element, or something above or below it."""
        feed = self.feeds.get(submodel_id)
        related = feed.related(path) if feed else ()
        return related[0] if related else None

    def seen(self, entry: Entry, path: IdShortPath = ()) -> Entry:
        """The document as readers see it, as far as it matters at a path: with the newest values, and its own ETag."""
        feed = self.feeds.get(entry.identifier) if entry.kind is Kind.SUBMODEL else None
        slots = feed.related(path) if feed else ()
        if feed is None or not slots:
            return entry
        version = feed.version if not path else max([slot.version for slot in slots])
        held = self._kept.get((entry.identifier, path))
        if held is not None and held[0] is entry and held[1] == version:
            return held[2]
        if len(self._kept) >= KEPT:
            self._kept.clear()
        etag = f"{entry.etag.partition('.')[0]}.{version:x}"
        overlaid = Entry(
            entry.kind,
            entry.identifier,
            entry.revision,
            etag,
            make=lambda: feed.laid_over(entry.document, slots),
            slot=feed.slots.get(path),
        )
        self._kept[entry.identifier, path] = (entry, version, overlaid)
        return overlaid

    def follow(self, change: Change, outcome: Outcome) -> None:
        """Note what somebody has done to a submodel that the plant feeds."""
        match change:
            case Put() if change.kind is Kind.SUBMODEL and (feed := self.feeds.get(change.identifier)):
                feed.rebind(change.document, outcome.revision)
            case Delete() if change.kind is Kind.SUBMODEL and (feed := self.feeds.get(change.identifier)):
                feed.rebind(None, outcome.revision)
            case SetValue() if feed := self.feeds.get(change.submodel_id):
                feed.revision = outcome.revision
