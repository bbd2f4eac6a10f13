"""Rows on their way into the tables, gathered into few statements, and the numbers of the log."""

import sqlite3
import time
from collections.abc import Iterable, Mapping
from datetime import datetime

import orjson

from aas_server.model import Kind
from aas_server.model.changes import Event
from aas_server.storage.interning import SQL

#: Kinds as small numbers, for good: the order of `Kind` may change, these not.
NUMBERS = {
    Kind.SHELL: 1,
    Kind.SUBMODEL: 2,
    Kind.CONCEPT: 3,
    Kind.SHELL_DESCRIPTOR: 4,
    Kind.SUBMODEL_DESCRIPTOR: 5,
    Kind.ASSET_LINKS: 6,
    Kind.PACKAGE: 7,
    Kind.HANDLE: 8,
    Kind.NESTED_DESCRIPTORS: 9,
    Kind.REGISTRATION: 10,
    Kind.CONNECTION: 11,
    Kind.OUTBOX: 12,
}
KINDS = {number: kind for kind, number in NUMBERS.items()}


class Rows:
    """What is to be written, by the name of its statement; nothing of it is seen before it is flushed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.sequence = last_sequence(connection)
        self.count = 0
        self._rows: dict[str, list[tuple[object, ...]]] = {}

    def add(self, query: str, *row: object) -> None:
        self._rows.setdefault(query, []).append(row)
        self.count += 1

    def extend(self, query: str, rows: Iterable[tuple[object, ...]]) -> None:
        before = self._rows.setdefault(query, [])
        self.count -= len(before)
        before.extend(rows)
        self.count += len(before)

    def log(
        self,
        event: Event,
        kind: Kind,
        identifier: str,
        path: str | None = None,
        attributes: Mapping[str, object] | None = None,
        quality: str | None = None,
        source_time: datetime | None = None,
    ) -> int:
        """Note a change in the log; returns its number."""
        self.sequence += 1
        given = orjson.dumps(attributes).decode() if attributes is not None else None
        source = source_time.timestamp() if source_time is not None else None
        number = NUMBERS[kind]
        self.add("log", self.sequence, time.time(), event.value, number, identifier, path, given, quality, source)
        return self.sequence

    def flush(self) -> None:
        """Write what was gathered. A slot that a value leaves and another enters must be left first."""
        rows, self._rows, self.count = self._rows, {}, 0
        for query in sorted(rows, key=lambda name: not name.startswith("remove")):
            self.connection.executemany(SQL[query], rows[query])

    def forget(self) -> None:
        """What was gathered is not written, and the numbers given out with it are free again."""
        self._rows.clear()
        self.count = 0
        self.sequence = last_sequence(self.connection)


def last_sequence(connection: sqlite3.Connection) -> int:
    """The newest number of the log, as far as this connection sees it."""
    row = connection.execute(SQL["last_sequence"]).fetchone()
    return row[0] if row else 0
