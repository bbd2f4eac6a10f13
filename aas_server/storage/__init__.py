"""Where documents are kept: two small protocols, one behaviour. `tests/storage` runs against each backend."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

from aas_server.model import Document, Json, Kind
from aas_server.model.changes import Change, Logged, Outcome, Part
from aas_server.model.paths import IdShortPath
from aas_server.model.query import Condition, World

#: No values were set since the body was written.
UNCHANGED: Mapping[IdShortPath, Mapping[str, object]] = MappingProxyType({})


class Stored(NamedTuple):
    """A document as it lies in storage: the bytes as served, and values set since they were written.

    `blobs` says whether there is a Blob in it, `live` is the number in the log of the newest value that the plant has
    set since that revision, or 0.
    """

    kind: Kind
    identifier: str
    revision: int
    body: bytes
    values: Mapping[IdShortPath, Mapping[str, object]] = UNCHANGED
    blobs: bool = False
    live: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    """A criterion on the document itself: one of the names that `storage.index.labels` writes, and its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ElementValue:
    """A criterion on an element: somewhere at `path` stands `value` (numbers compare as numbers)."""

    path: str
    value: str | float


class Around(World, Protocol):
    """The documents around those in question, in one state of the store."""

    def read(self, kind: Kind, identifiers: Sequence[str]) -> Sequence[Document]:
        """Those of the documents that there are, in the order asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """Documents that are not stored but made of those of another kind, under the same ids."""

    kind: Kind
    make: Callable[[Document, Around], Document]


@dataclass(frozen=True, slots=True)
class Matching:
    """A criterion in the query language; by itself, not beside others.

    With `made`, documents that are made count as well, unless one is stored under their id. A page may end early where
    the time is over; then it has a cursor, or TakesTooLong is raised.
    """

    condition: Condition
    made: Made | None = None


Criterion = Label | ElementValue | Matching


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents in the order of their creation; `cursor` leads to the next page and is None on the last."""

    result: Sequence[Stored]
    cursor: str | None


class Documents(Protocol):
    """Documents and the log of their changes."""

    @property
    def store_id(self) -> str:
        """A short text that no other store has; part of every ETag."""
        ...

    @property
    def newest(self) -> int:
        """The number of the newest change in the log."""
        ...

    def peek(self, kind: Kind, identifier: str) -> Stored | None:
        """The document where it can be had without waiting; None where it cannot, or does not exist."""
        ...

    async def read(self, kind: Kind, identifiers: Sequence[str]) -> list[Stored]:
        """The documents with these ids that exist, in the order asked for."""
        ...

    async def page(
        self, kind: Kind, criteria: Sequence[Criterion] = (), limit: int = 100, cursor: str | None = None
    ) -> Page:
        """At most `limit` documents that meet all criteria, after the cursor. Raises Malformed for a foreign cursor."""
        ...

    async def identifiers(
        self, kinds: Sequence[Kind], labels: Sequence[Label] = (), limit: int = 100, cursor: str | None = None
    ) -> tuple[list[str], str | None]:
        """At most `limit` ids, in their order, under which documents of any of the kinds lie, and the next cursor.

        Each label is one of some document under the id. Raises Malformed for a foreign cursor.
        """
        ...

    async def explain(self, kind: Kind, matching: Matching) -> Json:
        """How a query would be answered, for people: what is looked up, and what is left to be looked at."""
        ...

    async def apply(self, changes: Sequence[Change]) -> list[Outcome]:
        """Store and log all changes, or none: NotFound, AlreadyExists and PreconditionFailed name the one at fault.

        Returns when they are on disk.
        """
        ...

    def changes(self, after: int | None = None) -> AsyncIterator[Sequence[Logged]]:
        """Batches of every change after that sequence number (None: from now on), then of each as it happens."""
        ...

    async def close(self) -> None: ...


class Parts(Protocol):
    """Binaries by their SHA-256, streamed both ways, kept as long as a document refers to them."""

    async def keep(self, chunks: AsyncIterator[bytes]) -> tuple[str, int]:
        """Store a stream; returns its SHA-256 in hex and its size in bytes. It stays until it is released."""
        ...

    async def release(self, sha256: str) -> None:
        """Whoever kept a binary has attached it, or will not: it goes when no document has it. Once for each keep."""
        ...

    def fetch(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes, in chunks of at most 256 KiB. Raises NotFound."""
        ...

    async def parts(self, kind: Kind, identifier: str) -> Mapping[str, Part]:
        """The parts of a document by their package names."""
        ...
