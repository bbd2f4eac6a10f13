"""Documents in memory: their bytes as served and what was derived from them, bounded by bytes."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from aas_server.model import Document, Kind
from aas_server.model.edit import apply_values
from aas_server.storage import Stored
from aas_server.storage.index import has_blobs

if TYPE_CHECKING:
    from aas_server.repository.slots import Slot

Key = tuple[Kind, str]

#: A parsed document takes about five times the memory of its bytes (measured on IDTA templates).
PARSED = 5
#: Documents whose newest revision is remembered; writes that overlap are milliseconds apart.
REMEMBERED = 100_000
#: What an entry costs beside its contents.
OVERHEAD = 600


class Entry:
    """One revision of one document. Bytes and document are made from each other when first asked for.

    `make` makes the document, where values of the plant are laid over a stored one; `slot` is that of the element which
    it is made for.
    """

    __slots__ = (
        "_blobs",
        "_body",
        "_derived",
        "_document",
        "_make",
        "answers",
        "cache",
        "etag",
        "identifier",
        "kind",
        "revision",
        "slot",
        "targets",
        "weight",
    )

    def __init__(
        self,
        kind: Kind,
        identifier: str,
        revision: int,
        etag: str,
        body: bytes | None = None,
        document: Document | None = None,
        blobs: bool | None = None,
        make: Callable[[], Document] | None = None,
        slot: "Slot | None" = None,
    ) -> None:
        self.kind = kind
        self.identifier = identifier
        self.revision = revision
        self.etag = etag
        self._body = body
        self._document = document
        self._blobs = blobs
        self._make = make
        self.slot = slot
        self._derived: dict[object, bytes] = {}
        #: What layers above have finished of this revision.
        self.answers: dict[object, Any] = {}
        self.targets: list[object] = []
        self.cache: Cache | None = None
        self.weight = OVERHEAD + len(body or b"")

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = orjson.dumps(self.document)
            self.grow(len(self._body))
        return self._body

    @property
    def parsed(self) -> bool:
        """Whether the document is at hand without reading its bytes."""
        return self._document is not None

    @property
    def document(self) -> Document:
        """The parsed document; shared, so never changed in place."""
        if self._document is None and self._make is not None:
            self._document = self._make()
        if self._document is None:
            self._document = orjson.loads(self.body)
            self.grow(PARSED * len(self.body))
        return self._document

    @property
    def blobs(self) -> bool:
        """Whether there is a Blob in it."""
        if self._blobs is None:
            self._blobs = has_blobs(self.body)
        return self._blobs

    @property
    def key(self) -> Key:
        return self.kind, self.identifier

    def derive(self, key: object, make: Callable[[], bytes]) -> bytes:
        """What `make` answers, made once for this revision."""
        if (found := self._derived.get(key)) is None:
            found = self._derived[key] = make()
            self.grow(len(found) + OVERHEAD // 4)
        return found

    def derived(self, key: object) -> bytes | None:
        """What was made before for this revision; None where nothing was."""
        return self._derived.get(key)

    def grow(self, size: int) -> None:
        """This entry has taken on that many bytes more."""
        self.weight += size
        if self.cache is not None:
            self.cache.grown(size)


def entry_of(stored: Stored, store_id: str) -> Entry:
    """The entry of a stored document, values set since its bytes were written included."""
    etag = etag_of(store_id, stored.revision, stored.live)
    if not stored.values:
        return Entry(stored.kind, stored.identifier, stored.revision, etag, body=stored.body, blobs=stored.blobs)
    document = apply_values(orjson.loads(stored.body), list(stored.values.items()))
    return Entry(stored.kind, stored.identifier, stored.revision, etag, document=document, blobs=stored.blobs)


def etag_of(store_id: str, revision: int, live: int = 0) -> str:
    """A revision is a sequence number of the log and never comes again; the store id tells stores apart.

    What stands behind the point tells values of the plant apart. No editor has made them, and no condition looks at it.
    """
    return f"{store_id}-{revision:x}.{live:x}" if live else f"{store_id}-{revision:x}"


class Cache:
    """The entries used last, and the finished answers made from them, within a number of bytes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.weight = 0
        #: Answers ready to be sent, by request target; each belongs to an entry and goes with it.
        self.answers: dict[object, Any] = {}
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        #: The newest revision, or deletion, acknowledged of a document: nothing older is kept.
        self._newest: dict[Key, int] = {}

    def outdate(self, key: Key, revision: int) -> None:
        """The document has a new revision, or is deleted: what is held of older ones goes and does not come back."""
        if len(self._newest) >= REMEMBERED:
            self._newest.clear()
        self._newest[key] = max(revision, self._newest.get(key, 0))
        self.drop(key)

    def get(self, key: Key) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def used(self, key: Key) -> None:
        """An answer made from this entry has been sent: it is not the one to go next."""
        if key in self._entries:
            self._entries.move_to_end(key)

    def put(self, entry: Entry) -> None:
        """Keep this revision, unless a newer one is already here."""
        if not self.capacity or entry.revision < self._newest.get(entry.key, 0):
            return
        held = self._entries.get(entry.key)
        if held is not None:
            if held.revision > entry.revision:
                return
            self.drop(entry.key)
        self._entries[entry.key] = entry
        entry.cache = self
        self.weight += entry.weight
        self._shrink()

    def drop(self, key: Key) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self.weight -= entry.weight
            entry.cache = None
            for target in entry.targets:
                self.answers.pop(target, None)

    def grown(self, size: int) -> None:
        """An entry held here has taken on that many bytes more."""
        self.weight += size
        self._shrink()

    def keep_answer(self, entry: Entry, target: object, answer: Any, size: int) -> None:
        """Hold a finished answer as long as its entry; a stale entry gets none."""
        if entry.cache is self and target not in self.answers:
            self.answers[target] = answer
            entry.targets.append(target)
            entry.grow(size + OVERHEAD)

    def _shrink(self) -> None:
        while self.weight > self.capacity and self._entries:
            self.drop(next(iter(self._entries)))
