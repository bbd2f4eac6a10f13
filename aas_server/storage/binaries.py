"""The writer's side of binaries: which documents have which, and what goes when nobody has it any more."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from aas_server.model import Document
from aas_server.model.changes import Part
from aas_server.model.errors import NotFound
from aas_server.model.files import left
from aas_server.storage.interning import SQL

#: Chunks of a removed binary that go at a time.
SWEPT = 16


class Binaries:
    """The parts of documents. A binary is removed with the last document that has it, unless somebody holds it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        #: Binaries that somebody is about to attach, and how many are: nobody may remove them in between.
        self.held: Counter[str] = Counter()

    def attach(self, pk: int, parts: Mapping[str, Part | None]) -> None:
        """Attach parts under their names; None detaches one. Raises NotFound for a binary that is not kept."""
        for name, part in parts.items():
            self._attach(pk, name, part)

    def _attach(self, pk: int, name: str, part: Part | None) -> None:
        old = self._connection.execute(SQL["replaced_part"], (pk, name)).fetchone()
        if part is None:
            self._connection.execute(SQL["remove_part"], (pk, name)).fetchall()
        else:
            if self._connection.execute(SQL["find_blob"], (part.sha256,)).fetchone() is None:
                raise NotFound(f"no binary with SHA-256 {part.sha256} is kept")
            row = (pk, name, part.sha256, part.content_type, int(part.thumbnail))
            self._connection.execute(SQL["put_part"], row)
        if old and (part is None or old[0] != part.sha256):
            self._remove([old[0]])

    def left(self, pk: int, old: Document, new: Document) -> Mapping[str, None]:
        """The parts that only the old form of a document names; what none ever named, as in a package, stays."""
        taken = [name for (name,) in self._connection.execute(SQL["part_names"], (pk,))]
        return dict.fromkeys(left(old, new).intersection(taken)) if taken else {}

    def detach_all(self, pk: int) -> None:
        self._remove([sha256 for (sha256,) in self._connection.execute(SQL["remove_parts"], (pk,)).fetchall()])

    def _remove(self, hashes: Sequence[str]) -> None:
        """Remove those that no document has any more and nobody is about to attach."""
        for sha256 in set(hashes):
            row = self._connection.execute(SQL["unused_blob"], (sha256,)).fetchone()
            if row is not None and self.held[sha256] <= 0:
                self._connection.execute(SQL["doom_blob"], row)

    def release(self, sha256: str) -> Iterator[None]:
        """One who held the binary does so no more."""
        self.held[sha256] -= 1
        if self.held[sha256] <= 0:
            del self.held[sha256]
        self._remove([sha256])
        yield

    def sweep(self) -> Iterator[bool]:
        """Remove some chunks of a binary that nobody has any more; tells whether there is more to do."""
        row = self._connection.execute(SQL["doomed"]).fetchone()
        if row is not None:
            self._connection.execute(SQL["remove_chunks"], (*row, *row, SWEPT))
            if self._connection.execute(SQL["has_chunks"], row).fetchone() is None:
                self._connection.execute(SQL["remove_blob"], row)
        yield row is not None
