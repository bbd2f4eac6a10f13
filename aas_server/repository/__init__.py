"""The one place where the stored world is read and changed: load, apply a pure function, store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from aas_server.model import Document, Kind, kind_of
from aas_server.model.changes import ABSENT, Change, Delete, Event, Logged, Outcome, Part, Put, Readings, SetValue
from aas_server.model.errors import AlreadyExists, NotFound, PreconditionFailed
from aas_server.model.paths import IdShortPath
from aas_server.repository.conditions import NONE, Condition
from aas_server.repository.entries import Cache, Entry, Key, entry_of, etag_of
from aas_server.repository.feeding import Plant, written
from aas_server.repository.live import LiveValues
from aas_server.repository.settings import Batch, Setting, ValuesOf
from aas_server.storage import Criterion, Documents, Parts

#: From a document and its parts to the new document, and the parts that are attached and (None) detached with it.
EditParts = Callable[[Document, Mapping[str, Part]], tuple[Document, Mapping[str, Part | None]]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of entries; `cursor` is None on the last."""

    result: Sequence[Entry]
    cursor: str | None


class Repository:
    """Documents as everyone above sees them: the newest acknowledged revision, from memory where possible.

    Values of the plant lie over what is stored, in everything that is read.
    """

    def __init__(
        self, documents: Documents, parts: Parts, cache_size: int = 256 << 20, qualifiers: bool = False
    ) -> None:
        self.documents = documents
        self.parts = parts
        self.cache = Cache(cache_size)
        self.live = LiveValues(qualifiers)
        #: Set by who is connected to the plant.
        self.plant: Plant | None = None
        self._settings: dict[str, list[Setting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    # Reading

    def peek(self, kind: Kind, identifier: str, path: IdShortPath = ()) -> Entry | None:
        """The document where it can be had without waiting; None where it cannot, or does not exist.

        Of values of the plant, those at `path` are the newest.
        """
        entry = self._peek(kind, identifier)
        return self.live.seen(entry, path) if entry is not None and self.live.feeds else entry

    async def get(self, kind: Kind, identifier: str, path: IdShortPath = ()) -> Entry:
        """The document with this id, as `peek` has it. Raises NotFound."""
        return self.live.seen(await self.stored(kind, identifier), path)

    async def several(self, kind: Kind, identifiers: Sequence[str]) -> list[Entry]:
        """Those of the documents that exist, in the order asked for."""
        found = {identifier: held for identifier in identifiers if (held := self.cache.get((kind, identifier)))}
        others = [identifier for identifier in identifiers if identifier not in found]
        for stored in await self.documents.read(kind, others) if others else ():
            found[stored.identifier] = entry_of(stored, self.documents.store_id)
        return [self.live.seen(found[identifier]) for identifier in identifiers if identifier in found]

    def _peek(self, kind: Kind, identifier: str) -> Entry | None:
        if (entry := self.cache.get((kind, identifier))) is not None:
            return entry
        if (stored := self.documents.peek(kind, identifier)) is None:
            return None
        return self._kept(entry_of(stored, self.documents.store_id))

    async def stored(self, kind: Kind, identifier: str) -> Entry:
        """The document as it is stored, values of the plant as they were then. Raises NotFound."""
        if (entry := self._peek(kind, identifier)) is not None:
            return entry
        for stored in await self.documents.read(kind, [identifier]):
            return self._kept(entry_of(stored, self.documents.store_id))
        raise NotFound(f"no {kind} with id {identifier!r}")

    async def exists(self, kind: Kind, identifier: str) -> bool:
        try:
            await self.stored(kind, identifier)
        except NotFound:
            return False
        return True

    async def page(
        self, kind: Kind, criteria: Sequence[Criterion] = (), limit: int = 100, cursor: str | None = None
    ) -> Listing:
        """At most `limit` documents in the order of their creation that meet all criteria, after the cursor."""
        page = await self.documents.page(kind, criteria, limit, cursor)
        entries = [self.live.seen(entry_of(stored, self.documents.store_id)) for stored in page.result]
        return Listing(entries, page.cursor)

    def changes(self, after: int | None = None) -> AsyncIterator[Sequence[Logged]]:
        """Batches of every change after that sequence number (None: from now on), then of each as it happens."""
        return self.documents.changes(after)

    # Writing

    async def create(self, document: Document, kind: Kind | None = None) -> Entry:
        """Store a new document, of this kind where it does not say its own. Raises AlreadyExists."""
        put = Put(document, ABSENT, stored_as=kind)
        (outcome,) = await self.apply([put])
        return self._entry(put.kind, document, outcome)

    async def put(
        self, document: Document, condition: Condition = NONE, kind: Kind | None = None
    ) -> tuple[Entry, bool]:
        """Create or replace a document; tells whether it was created. Parts it names no more go with it.

        Raises PreconditionFailed.
        """
        kind = kind or kind_of(document)
        expected = await self.expected(kind, document["id"], condition)
        try:
            (outcome,) = await self.apply([Put(document, expected, stored_as=kind)])
        except AlreadyExists as error:
            raise PreconditionFailed(str(error)) from None
        return self._entry(kind, document, outcome), outcome.event is Event.CREATED

    async def delete(self, kind: Kind, identifier: str, condition: Condition = NONE) -> None:
        """Remove a document with its parts. Raises NotFound, PreconditionFailed."""
        expected = await self.expected(kind, identifier, condition) or None
        await self.apply([Delete(kind, identifier, expected)])

    async def update(
        self,
        kind: Kind,
        identifier: str,
        edit: Callable[[Document], Document],
        condition: Condition = NONE,
        along: Sequence[Change] = (),
    ) -> Entry:
        """Replace a document by what a pure function makes of it, nobody else's change in between being lost.

        What is to happen `along` with it happens in the same step, or not at all. Raises NotFound,
        PreconditionFailed, and whatever the function raises.
        """
        async with self._turn(kind, identifier):
            while True:
                entry = await self.stored(kind, identifier)
                condition.check(entry.etag)
                put = Put(edit(entry.document), entry.revision, stored_as=kind)
                if (edited := await self._edited(entry, put, along)) is not None:
                    return edited

    async def update_parts(self, kind: Kind, identifier: str, edit: EditParts, condition: Condition = NONE) -> Entry:
        """The same, where the function also sees which parts the document has, and says which come and go."""
        async with self._turn(kind, identifier):
            while True:
                entry = await self.stored(kind, identifier)
                condition.check(entry.etag)
                document, parts = edit(entry.document, await self.parts.parts(kind, identifier))
                if (edited := await self._edited(entry, Put(document, entry.revision, parts, kind))) is not None:
                    return edited

    async def _edited(self, entry: Entry, put: Put, along: Sequence[Change] = ()) -> Entry | None:
        """What an edit of an entry leads to; None where a whole-document write came in between."""
        try:
            outcome, *_ = await self.apply([put, *along])
        except PreconditionFailed:
            if await self._current(entry):
                raise  # the one at fault is in `along`
            return None
        return self._kept(self._entry(put.kind, put.document, outcome))

    async def set_values(self, submodel_id: str, values: ValuesOf, condition: Condition = NONE) -> Entry:
        """Set the values that a pure function derives from the submodel; costs the same in a large document.

        What others want to set in the same submodel meanwhile is stored in one step with it. Values of elements that
        the plant feeds go to the plant, and nowhere else. Raises NotFound, PreconditionFailed, what the plant says,
        and whatever the function raises.
        """
        if submodel_id in self.live.feeds:
            values = await written(self, submodel_id, values, condition)
        setting = Setting(values, condition, asyncio.get_running_loop().create_future())
        waiting = self._settings.setdefault(submodel_id, [])
        waiting.append(setting)
        if len(waiting) == 1:
            task = asyncio.create_task(self._set_waiting(submodel_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await setting.done

    async def _set_waiting(self, submodel_id: str) -> None:
        """Store what everybody who came while the last step was being stored wants to set."""
        async with self._turn(Kind.SUBMODEL, submodel_id):
            settings = self._settings.pop(submodel_id)
            try:
                while not await self._set_all(submodel_id, settings):
                    pass
            except Exception as error:
                for setting in settings:
                    setting.refuse(error)

    async def _set_all(self, submodel_id: str, settings: Sequence[Setting]) -> bool:
        """One step with the values of all settings, each seeing those before it; False where it is to be repeated."""
        entry = await self.stored(Kind.SUBMODEL, submodel_id)
        batch = Batch(entry)
        for setting in settings:
            batch.add(setting)
        try:
            outcomes = await self.apply(batch.orders) if batch.orders else []
        except PreconditionFailed:
            if await self._current(entry):
                raise
            return False  # a whole-document write came in between: derive the values from what is there now
        for setting, orders, document in batch.settled:
            kept = self._entry(Kind.SUBMODEL, document, outcomes[orders - 1]) if orders else entry
            setting.settle(kept)
        if outcomes:
            self._kept(self._entry(Kind.SUBMODEL, batch.document, outcomes[-1]))
        return True

    async def apply(self, changes: Sequence[Change]) -> list[Outcome]:
        """Store all changes or none. A caller that gives up waiting does not undo, nor leave memory behind, them."""
        return await asyncio.shield(self._apply(changes))

    async def _apply(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes = await self.documents.apply(changes)
        for change, outcome in zip(changes, outcomes, strict=True):
            if not isinstance(change, Readings):  # what is stored of them lies over the entry already
                self.cache.outdate(_key(change), outcome.revision)
                if outcome.event is not None:
                    self.live.follow(change, outcome)
        return outcomes

    async def expected(self, kind: Kind, identifier: str, condition: Condition) -> int | None:
        """The revision a write must find so that the condition holds; None where nothing is demanded.

        Raises PreconditionFailed where it does not hold already.
        """
        if condition is NONE:
            return None
        entry = await self.stored(kind, identifier) if await self.exists(kind, identifier) else None
        condition.check(entry.etag if entry else None)
        return entry.revision if entry else ABSENT

    async def _current(self, entry: Entry) -> bool:
        """Whether this is still the newest revision, asked of the storage."""
        self.cache.drop(entry.key)
        return (await self.stored(entry.kind, entry.identifier)).revision == entry.revision

    def _turn(self, kind: Kind, identifier: str) -> asyncio.Lock:
        """Editors of one document take turns; it saves them from doing their work twice."""
        return self._turns.setdefault((kind, identifier), asyncio.Lock())

    def _entry(self, kind: Kind, document: Document, outcome: Outcome) -> Entry:
        etag = etag_of(self.documents.store_id, outcome.revision)
        return Entry(kind, document["id"], outcome.revision, etag, document=document)

    def _kept(self, entry: Entry) -> Entry:
        self.cache.put(entry)
        return entry


def _key(change: Change) -> Key:
    match change:
        case SetValue() | Readings():
            return Kind.SUBMODEL, change.submodel_id
        case Put() | Delete():
            return change.kind, change.identifier
