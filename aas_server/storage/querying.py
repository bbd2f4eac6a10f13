"""Queries: the index narrows down, the evaluator decides, in threads and on connections of their own.

A query sees one state of the store. It is cancelled when its time is over; what was found until then is a page.
"""

import asyncio
import queue
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from aas_server.model import Document, Json, Kind
from aas_server.model.edit import apply_values
from aas_server.model.errors import TakesTooLong, Unavailable
from aas_server.model.identifiers import encode
from aas_server.model.query import matches
from aas_server.model.references import target
from aas_server.storage import UNCHANGED, Matching, Page, Stored, index
from aas_server.storage.applying import read_values
from aas_server.storage.binding import Values
from aas_server.storage.gathering import KINDS, NUMBERS
from aas_server.storage.interning import SQL
from aas_server.storage.narrowing import FEW, Narrowing
from aas_server.storage.selecting import LARGEST, position

#: Queries at a time, and how many may wait.
WORKERS, WAITING = 2, 64
#: Instructions of SQLite, and values, after which the time is looked at.
STEPS, VALUES = 20_000, 500
#: Documents around those in question that are remembered.
REMEMBERED = 500


class Querying:
    """Answers queries on read-only connections that `connect` opens."""

    def __init__(self, path: Path, connect: Callable[[Path], sqlite3.Connection], seconds: float) -> None:
        self._path, self._connect, self._seconds = path, connect, seconds
        self._workers = ThreadPoolExecutor(WORKERS, "query")
        self._connections: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._waiting = 0

    async def page(self, kind: Kind, matching: Matching, limit: int, cursor: str | None) -> Page:
        """Documents that meet the condition. Raises Malformed for a foreign cursor, TakesTooLong, Unavailable."""
        after = position(cursor) if cursor is not None else 0
        page: Page = await self._run(lambda search: search.page(kind, matching, limit, after))
        return page

    async def explain(self, kind: Kind, matching: Matching) -> Json:
        """What would be asked of SQLite, how it would go about it, and what is left to the evaluator."""
        return await self._run(lambda search: search.explain(kind, matching))

    async def _run(self, work: "Callable[[Search], Any]") -> Any:
        if self._waiting >= WORKERS + WAITING:
            raise Unavailable("too many queries are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, self._search, work)
        finally:
            self._waiting -= 1

    def _search(self, work: "Callable[[Search], Any]") -> Any:
        try:
            connection = self._connections.get_nowait()
        except queue.Empty:
            connection = self._connect(self._path)
        try:
            connection.execute("BEGIN")
            return work(Search(connection, self._seconds))
        finally:
            connection.set_progress_handler(None, 0)
            connection.rollback()
            self._connections.put(connection)

    def close(self) -> None:
        """Wait for the queries under way; none takes longer than its time."""
        self._workers.shutdown(cancel_futures=True)
        while not self._connections.empty():
            self._connections.get().close()


@dataclass(slots=True)
class Clock:
    """The time a query has; `tick` raises TakesTooLong when it is over."""

    end: float
    count: int = 0

    def over(self) -> bool:
        return time.monotonic() > self.end

    def tick(self) -> None:
        self.count += 1
        if self.count % VALUES == 0 and self.over():
            raise TakesTooLong


class Search:
    """One query in one state of the store."""

    def __init__(self, connection: sqlite3.Connection, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds
        self._clock = Clock(time.monotonic() + seconds)
        connection.set_progress_handler(self._clock.over, STEPS)
        self.world = Around(connection)

    def page(self, kind: Kind, matching: Matching, limit: int, after: int) -> Page:
        found: list[Stored] = []
        at, size = after, 0
        try:
            for pk, stored, document in self._candidates(kind, matching, after):
                if len(found) == limit or size > LARGEST:
                    return Page(found, encode(f"pk:{at}"))
                if matches(matching.condition, document, kind, self.world, self._clock.tick):
                    found.append(stored)
                    size += len(stored.body)
                at = pk
        except (TakesTooLong, sqlite3.OperationalError) as error:
            if isinstance(error, sqlite3.OperationalError) and "interrupted" not in str(error):
                raise
            if found:
                return Page(found, encode(f"pk:{at}"))
            raise TakesTooLong(self._told(at, after)) from None
        return Page(found, None)

    def _told(self, at: int, after: int) -> str:
        further = f"; nothing was found so far, cursor={encode(f'pk:{at}')} goes on from there" if at > after else ""
        return f"the query was cancelled after {self._seconds:g} s: narrow it down{further}"

    def _candidates(self, kind: Kind, matching: Matching, after: int) -> Iterator[tuple[int, Stored, Document]]:
        query, values, _ = self._query(kind, matching)
        for (pk,) in self._connection.execute(query, values | {"after": after}):
            row = self._connection.execute(SQL["snapshot"], (pk,)).fetchone()
            if row is not None and (seen := self._seen(kind, matching, row)) is not None:
                yield pk, *seen

    def _seen(self, kind: Kind, matching: Matching, row: tuple[Any, ...]) -> tuple[Stored, Document] | None:
        """A document as readers see it; one that is made of another gives way to a stored one of its id."""
        _, revision, body, given, blobs, live, identifier, number = row
        document = _document(body, given)
        if KINDS[number] is kind:
            values = dict(read_values(given)) if given else UNCHANGED
            return Stored(kind, identifier, revision, body, values, bool(blobs), live), document
        if matching.made is None or self._connection.execute(SQL["pk_of"], (NUMBERS[kind], identifier)).fetchone():
            return None
        made = matching.made.make(document, self.world)
        return Stored(kind, identifier, 0, orjson.dumps(made)), made

    def _query(self, kind: Kind, matching: Matching) -> tuple[str, dict[str, Any], Narrowing]:
        kinds = (kind, matching.made.kind) if matching.made else (kind,)
        values = Values()
        narrowing = Narrowing(values, lambda found: self._count(found, values))
        found = narrowing.candidates(matching.condition, kind, kinds)
        among = ", ".join(str(NUMBERS[each]) for each in kinds)
        if found is None:
            query = f"SELECT pk FROM document WHERE kind IN ({among}) AND pk > :after ORDER BY pk"  # noqa: S608
        else:
            query = (
                f"SELECT DISTINCT c.pk FROM ({found}) c CROSS JOIN document d ON d.pk = c.pk"  # noqa: S608
                f" WHERE c.pk > :after AND d.kind IN ({among}) ORDER BY c.pk"
            )
        return query, values.named, narrowing

    def _count(self, found: str, values: Values) -> int:
        query = f"SELECT count(*) FROM (SELECT 1 FROM ({found}) LIMIT {FEW + 1})"  # noqa: S608
        count: int = self._connection.execute(query, values.named).fetchone()[0]
        return count

    def explain(self, kind: Kind, matching: Matching) -> Json:
        query, values, narrowing = self._query(kind, matching)
        values = values | {"after": 0}
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
        return {
            "sql": query,
            "parameters": values,
            "plan": [{"id": number, "parent": parent, "detail": detail} for number, parent, _, detail in plan],
            "scans": " FROM (" not in query,
            "verifiedAfter": "every document found is looked at by the evaluator before it is in the result",
            "notInTheIndex": narrowing.open,
        }


class Around:
    """The documents around those in question, in the same state of the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[int, Document] = {}

    def submodels(self, shell: Document) -> Sequence[Document]:
        identifiers = [target(reference) or "" for reference in shell.get("submodels") or ()]
        return self.read(Kind.SUBMODEL, list(dict.fromkeys(identifiers)))

    def shells(self, submodel: Document) -> Sequence[Document]:
        label = (NUMBERS[Kind.SHELL], index.SUBMODEL, submodel["id"])
        return [self._at(pk) for (pk,) in self._connection.execute(SQL["labelled"], label).fetchall()]

    def read(self, kind: Kind, identifiers: Sequence[str]) -> Sequence[Document]:
        """Those of the documents that there are, in the order asked for."""
        rows = [self._connection.execute(SQL["pk_of"], (NUMBERS[kind], each)).fetchone() for each in identifiers]
        return [self._at(row[0]) for row in rows if row is not None]

    def _at(self, pk: int) -> Document:
        if (known := self._known.get(pk)) is None:
            _, _, body, given, *_ = self._connection.execute(SQL["snapshot"], (pk,)).fetchone()
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[pk] = _document(body, given)
        return known


def _document(body: bytes, given: str | None) -> Document:
    document: Document = orjson.loads(body)
    return apply_values(document, read_values(given)) if given else document
