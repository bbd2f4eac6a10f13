"""Documents and binaries in SQLite: reads on the loop, writes through one queue."""

import asyncio
import contextlib
import hashlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from aas_server.model import Json, Kind
from aas_server.model.changes import Change, Logged, Outcome, Part
from aas_server.model.errors import Gone, NotFound, Problem
from aas_server.storage import UNCHANGED, Criterion, Label, Matching, Page, Stored, texts
from aas_server.storage.applying import Tables, read_values
from aas_server.storage.gathering import NUMBERS, last_sequence
from aas_server.storage.identifiers import Identifiers
from aas_server.storage.interning import SQL
from aas_server.storage.log import Log
from aas_server.storage.opening import Opened, check_meanwhile, check_out, connect_reader, open_store
from aas_server.storage.querying import Querying
from aas_server.storage.selecting import Selecting
from aas_server.storage.sweeping import Sweeper
from aas_server.storage.writing import Writer

log = logging.getLogger(__name__)

CHUNK = 256 << 10
#: Submodels whose texts are read at a time, and how many while others write.
TEXTS, ALONGSIDE = 100, 200
#: Documents that are folded at a time, and how long, in seconds, their values must be at rest.
FOLDED, REST = 50, 10.0
#: Steps of the sweep over paths and names between two pauses.
SWEPT = 10


class SqliteStorage:
    """A store in one SQLite file, used by one process."""

    def __init__(self, opened: Opened, log_changes: int = 1_000_000, query_seconds: float = 5.0) -> None:
        self._opened = opened
        self._reader = opened.reader
        self._log = Log(opened.reader)
        self._tables = Tables(opened.writer, log_changes)
        self._writer = Writer(opened.writer, opened.path, self._tables.undo, self._move_on)
        self._selecting = Selecting(opened.reader)
        self._identifiers = Identifiers(opened.reader)
        self._sweepers = (
            Sweeper("slot", opened.reader, opened.writer, self._tables.slots),
            Sweeper("term", opened.reader, opened.writer, self._tables.terms),
        )
        self._checking = asyncio.create_task(self._check(), name="store check") if opened.unchecked else None
        self._querying = Querying(opened.path, connect_reader, query_seconds)
        self._tidying = asyncio.create_task(self._tidy(), name="store tidying")

    @classmethod
    async def open(cls, url: str, log_changes: int = 1_000_000, query_seconds: float = 5.0) -> "SqliteStorage":
        """Open a store by its URL. Raises Unavailable where it is open elsewhere or damaged, Unsupported."""
        return cls(await asyncio.to_thread(open_store, url), log_changes, query_seconds)

    async def _check(self) -> None:
        """Look through a large store that was not closed while it is served already; damage is told in the log."""
        path = self._opened.path
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        work = asyncio.ensure_future(asyncio.to_thread(check_meanwhile, connection, path))
        try:
            wrong = await asyncio.shield(work)
            if wrong:
                log.critical("%s is damaged, bring back a backup: %s", path, "; ".join(wrong[:10]))
            else:
                log.info("%s was looked through: it is whole", path)
        except sqlite3.DatabaseError as error:
            log.critical("%s is damaged, bring back a backup: %s", path, error)
        finally:
            connection.interrupt()
            await asyncio.wait([work])
            connection.close()

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait([self._checking])
        self._tidying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tidying
        await asyncio.to_thread(self._querying.close)
        await self._writer.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        check_out(self._opened.writer)
        self._opened.release.close()

    @property
    def store_id(self) -> str:
        return self._opened.store_id

    @property
    def newest(self) -> int:
        return last_sequence(self._reader)

    @property
    def counters(self) -> Mapping[str, int]:
        """Jobs and the transactions they were committed in, since the store was opened."""
        return {"commits": self._writer.transactions, "committed": self._writer.committed}

    # Documents

    def _move_on(self) -> None:
        if self._reader.in_transaction:
            self._reader.execute("COMMIT")

    def peek(self, kind: Kind, identifier: str) -> Stored | None:
        # To look whether somebody has written takes as long as to read. Nobody but this process writes, and says so.
        if not self._reader.in_transaction and not self._writer.moving:
            self._reader.execute("BEGIN")
        row = self._reader.execute(SQL["find"], (NUMBERS[kind], identifier)).fetchone()
        return self._stored(kind, (*row, identifier)) if row else None

    async def read(self, kind: Kind, identifiers: Sequence[str]) -> list[Stored]:
        wanted = orjson.dumps(list(identifiers)).decode()
        rows = self._reader.execute(SQL["several"], (wanted, NUMBERS[kind])).fetchall()
        return [self._stored(kind, row) for row in rows]

    async def page(
        self, kind: Kind, criteria: Sequence[Criterion] = (), limit: int = 100, cursor: str | None = None
    ) -> Page:
        match criteria:
            case [Matching() as matching]:
                return await self._querying.page(kind, matching, limit, cursor)
        rows, after = await self._selecting.page(NUMBERS[kind], criteria, limit, cursor)
        return Page([self._stored(kind, row) for row in rows], after)

    async def explain(self, kind: Kind, matching: Matching) -> Json:
        return await self._querying.explain(kind, matching)

    async def identifiers(
        self, kinds: Sequence[Kind], labels: Sequence[Label] = (), limit: int = 100, cursor: str | None = None
    ) -> tuple[list[str], str | None]:
        return self._identifiers.page([NUMBERS[kind] for kind in kinds], labels, limit, cursor)

    def _stored(self, kind: Kind, row: tuple[Any, ...]) -> Stored:
        _, revision, body, given, blobs, live, identifier = row
        values = dict(read_values(given)) if given else UNCHANGED
        return Stored(kind, identifier, revision, body, values, bool(blobs), live)

    async def apply(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes: list[Outcome] = await self._writer.submit(lambda: self._tables.apply(changes))
        return outcomes

    def _run(self, query: str, *row: object) -> Iterator[Any]:
        """A job of one statement."""
        yield self._opened.writer.execute(SQL[query], row).fetchall()

    async def _tidy(self) -> None:
        """Now and then put values at rest into the bodies they belong to, and remove what nobody has any more."""
        while True:
            await asyncio.sleep(REST / 2)
            try:
                await self.fold(time.time() - REST)
                await self.sweep()
                await self.read_texts(ALONGSIDE)
                await self.sweep_numbers()
                await self._writer.carry_over()
            except (Problem, sqlite3.Error):
                log.exception("tidying the store failed; it is tried again")

    async def fold(self, before: float) -> None:
        """Put the values set before that time into the bodies."""
        if self._reader.execute(SQL["pending"], (before, 1)).fetchone():
            await self._writer.submit(lambda: self._tables.fold(before, FOLDED))

    async def read_texts(self, most: int | None = None) -> None:
        """Read the texts of submodels that are due: all when nobody else writes, or else so many."""
        read, others = 0, self._writer.committed
        while await self._writer.submit(lambda: texts.read_due(self._opened.writer, TEXTS)):
            read, others = read + TEXTS, others + 1
            if most is not None and read >= most and self._writer.committed > others:
                return

    async def sweep(self) -> None:
        """Remove the chunks of binaries that nobody has any more, some at a time."""
        while self._reader.execute(SQL["doomed"]).fetchone():
            await self._writer.submit(self._tables.binaries.sweep)

    async def sweep_numbers(self) -> None:
        """Remove the numbers of paths and names that stand nowhere any more, a bounded number of steps at a time."""
        for sweeper in self._sweepers:
            for _ in range(SWEPT):
                start = sweeper.unused(self._tables.sequence)
                if start is not None:
                    await self._writer.submit(partial(sweeper.remove, start))
                    self._selecting.forget()
                    self._identifiers.forget()
                if sweeper.resting:
                    break
                await asyncio.sleep(0)

    # The log

    async def changes(self, after: int | None = None) -> AsyncIterator[Sequence[Logged]]:
        position = last_sequence(self._reader) if after is None else after
        while not self._writer.closed:
            grown = self._writer.grown
            last = last_sequence(self._reader)  # asked first: others commit while this goes on
            found = self._log.after(position)
            newest = found[0].sequence if found else last + 1
            if newest > position + 1:  # numbers have no gaps, but for what was trimmed
                raise Gone(f"the log begins with change {newest}: read the documents anew, then follow from there")
            if not found:
                await grown.wait()
                continue
            position = found[-1].sequence
            yield found

    # Binaries

    async def keep(self, chunks: AsyncIterator[bytes]) -> tuple[str, int]:
        """Store a stream; each chunk is a job of its own, so that others write in between."""
        number = await self._writer.submit(self._start)
        digest, size, position = hashlib.sha256(), 0, 0
        try:
            async for chunk in _evenly(chunks):
                await asyncio.to_thread(digest.update, chunk)
                await self._writer.submit(partial(self._run, "add_chunk", number, position, chunk))
                size, position = size + len(chunk), position + 1
        except BaseException:
            await asyncio.shield(self._writer.submit(lambda: self._discard(number)))
            raise
        sha256 = digest.hexdigest()
        self._tables.binaries.held[sha256] += 1
        await self._writer.submit(lambda: self._finish(number, sha256, size))
        return sha256, size

    async def release(self, sha256: str) -> None:
        await self._writer.submit(lambda: self._tables.binaries.release(sha256))

    def _finish(self, number: int, sha256: str, size: int) -> Iterator[None]:
        """Name the binary by its hash; one that is here already is kept once."""
        if self._opened.writer.execute(SQL["find_blob"], (sha256,)).fetchone():
            yield from self._discard(number)
        else:
            self._opened.writer.execute(SQL["finish_blob"], (sha256, size, number))
            yield

    def _start(self) -> Iterator[int | None]:
        yield self._opened.writer.execute(SQL["start_blob"]).lastrowid

    def _discard(self, number: int) -> Iterator[Any]:
        return self._run("doom_blob", number)

    async def fetch(self, sha256: str) -> AsyncIterator[bytes]:
        row = self._reader.execute(SQL["find_blob"], (sha256,)).fetchone()
        if row is None:
            raise NotFound(f"no binary with SHA-256 {sha256} is kept")
        number, size = row
        for position in range(-(-size // CHUNK)):
            chunk = self._reader.execute(SQL["chunk"], (number, position)).fetchone()
            if chunk is None:
                raise NotFound(f"the binary with SHA-256 {sha256} was removed while it was read")
            yield chunk[0]

    async def parts(self, kind: Kind, identifier: str) -> Mapping[str, Part]:
        rows = self._reader.execute(SQL["parts"], (NUMBERS[kind], identifier))
        return {name: Part(sha256, size, text, bool(thumbnail)) for name, sha256, size, text, thumbnail in rows}


async def _evenly(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in chunks of one size."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        while len(gathered) >= CHUNK:
            yield bytes(gathered[:CHUNK])
            del gathered[:CHUNK]
    if gathered:
        yield bytes(gathered)
