"""Changes into tables: documents, index rows by difference, and the log, within one transaction of SQLite."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from aas_server.model import Document, Kind
from aas_server.model.changes import ABSENT, Change, Delete, Event, Outcome, Part, Put, SetValue
from aas_server.model.edit import apply_values
from aas_server.model.errors import AlreadyExists, NotFound, PreconditionFailed
from aas_server.model.paths import IdShortPath, parse, text
from aas_server.storage import index
from aas_server.storage.queries import queries

SQL = queries("sqlite.sql")

#: Kinds as small numbers, for good: the order of `Kind` may change, these not.
NUMBERS = {Kind.SHELL: 1, Kind.SUBMODEL: 2, Kind.CONCEPT: 3}
KINDS = {number: kind for kind, number in NUMBERS.items()}

#: Rows gathered before they are written; a slice of this size takes a few milliseconds.
SLICE = 2000
#: Interned texts remembered; beyond, they are looked up again.
REMEMBERED = 200_000


class Interned:
    """Numbers of texts (or of pairs of them) that stand in many rows."""

    def __init__(self, connection: sqlite3.Connection, find: str, add: str) -> None:
        self._connection, self._find, self._add = connection, SQL[find], SQL[add]
        self._known: dict[tuple[str, ...], int] = {}

    def known(self, *key: str) -> int | None:
        """The number, None where no row has it."""
        if (number := self._known.get(key)) is None:
            row = self._connection.execute(self._find, key).fetchone()
            if row is None:
                return None
            number = self._remember(key, row[0])
        return number

    def number(self, *key: str) -> int:
        """The number, given out where there is none yet."""
        if (number := self._known.get(key)) is None and (number := self.known(*key)) is None:
            number = self._remember(key, self._connection.execute(self._add, key).fetchone()[0])
        return number

    def forget(self) -> None:
        """What was given out in a transaction that failed does not count."""
        self._known.clear()

    def _remember(self, key: tuple[str, ...], number: int) -> int:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = number
        return number


@dataclass(frozen=True, slots=True)
class Head:
    """What the store knows of a document before a change; `body` only where it was asked for."""

    pk: int
    revision: int
    pending: float
    body: bytes = b""


class Tables:
    """The writer's side of the tables: applies changes one after the other, rows gathered into few statements."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.terms = Interned(connection, "find_term", "add_term")
        self.slots = Interned(connection, "find_slot", "add_slot")
        row = connection.execute(SQL["last_sequence"]).fetchone()
        self.sequence: int = row[0] if row else 0
        #: Binaries kept and not attached yet: nobody may remove them in between.
        self.held: set[str] = set()
        self._rows: dict[str, list[tuple[object, ...]]] = {}
        self._gathered = 0
        self._touched: set[tuple[Kind, str]] = set()

    def apply(self, changes: Sequence[Change]) -> Iterator[list[Outcome]]:
        """Apply all changes; yields what has been done so far whenever others may have a turn, and at the end."""
        outcomes: list[Outcome] = []
        self._touched.clear()
        for change in changes:
            outcomes.append(self._apply(change))
            if self._gathered >= SLICE:
                self._flush()
                yield outcomes
        self._flush()
        yield outcomes

    def undo(self) -> None:
        """The transaction was rolled back: forget what was gathered and given out."""
        self._rows.clear()
        self._gathered = 0
        self.terms.forget()
        self.slots.forget()

    def _apply(self, change: Change) -> Outcome:
        kind, identifier = _address(change)
        if (kind, identifier) in self._touched:
            self._flush()
        self._touched.add((kind, identifier))
        match change:
            case Put():
                return self._put(change)
            case Delete():
                return self._delete(change)
            case SetValue():
                return self._set_value(change)

    # Documents

    def _put(self, change: Put) -> Outcome:
        row = self.connection.execute(SQL["find"], (NUMBERS[change.kind], change.identifier)).fetchone()
        body = orjson.dumps(change.document)
        if row is None:
            if change.expected:
                raise PreconditionFailed(f"{change.kind} {change.identifier!r} is no longer there")
            outcome, pk = self._create(change, body)
        else:
            head = Head(*row)
            _check(change.kind, change.identifier, change.expected, head.revision)
            outcome, pk = self._replace(change, head, body), head.pk
        for name, part in change.parts.items():
            self._put_part(pk, name, part)
        return outcome

    def _create(self, change: Put, body: bytes) -> tuple[Outcome, int]:
        sequence = self._log(Event.CREATED, change.kind, change.identifier)
        self._add("add_document", sequence, NUMBERS[change.kind], change.identifier, sequence)
        self._add("add_body", sequence, body)
        self._index(sequence, change.kind, None, change.document)
        return Outcome(sequence, Event.CREATED), sequence

    def _replace(self, change: Put, head: Head, body: bytes) -> Outcome:
        old = self._document(head)
        unchanged = head.body == body if not head.pending else orjson.dumps(old) == body
        if unchanged and not change.parts:
            return Outcome(head.revision, None)
        sequence = self._log(Event.UPDATED, change.kind, change.identifier)
        self._add("set_revision", sequence, head.pk)
        if head.body != body:
            self._add("set_body", body, head.pk)
        if head.pending:
            self._add("remove_values", head.pk)
        if not unchanged:
            self._index(head.pk, change.kind, old, change.document)
        return Outcome(sequence, Event.UPDATED)

    def _delete(self, change: Delete) -> Outcome:
        row = self.connection.execute(SQL["find"], (NUMBERS[change.kind], change.identifier)).fetchone()
        if row is None:
            raise NotFound(f"no {change.kind} with id {change.identifier!r}")
        head = Head(*row)
        _check(change.kind, change.identifier, change.expected, head.revision)
        self._index(head.pk, change.kind, self._document(head), None)
        for query in ("remove_document", "remove_body", "remove_values"):
            self._add(query, head.pk)
        self._remove_blobs(
            [sha256 for (sha256,) in self.connection.execute(SQL["remove_parts"], (head.pk,)).fetchall()]
        )
        sequence = self._log(Event.DELETED, change.kind, change.identifier)
        return Outcome(sequence, Event.DELETED)

    def _document(self, head: Head) -> Document:
        """The document as readers see it: its body, with the values set since."""
        document: Document = orjson.loads(head.body)
        return apply_values(document, read_values(self.connection, head.pk)) if head.pending else document

    # Values

    def _set_value(self, change: SetValue) -> Outcome:
        row = self.connection.execute(SQL["head"], (NUMBERS[Kind.SUBMODEL], change.submodel_id)).fetchone()
        if row is None:
            raise NotFound(f"no {Kind.SUBMODEL} with id {change.submodel_id!r}")
        head = Head(*row)
        _check(Kind.SUBMODEL, change.submodel_id, change.expected, head.revision)
        path = text(change.path)
        before = {name: change.element.get(name) for name in change.attributes}
        logged: dict[str, object] = {}
        if head.pending and (known := self.connection.execute(SQL["value"], (head.pk, path)).fetchone()):
            logged = orjson.loads(known[0])
            before |= {name: value for name, value in logged.items() if name in before}
        sequence = self._log(Event.VALUE, Kind.SUBMODEL, change.submodel_id, path, change.attributes)
        self._add("touch", sequence, time.time(), head.pk)
        self._add("put_value", head.pk, path, orjson.dumps({**logged, **change.attributes}).decode())
        old = index.values(change.element | before, path)
        new = index.values(change.element | dict(change.attributes), path)
        self._elements(head.pk, old, new)
        return Outcome(sequence, Event.VALUE)

    def fold(self, before: float, most: int) -> int:
        """Put the values of documents at rest into their bodies; no new revision, as nothing changes for readers."""
        rows = self.connection.execute(SQL["pending"], (before, most)).fetchall()
        for pk, body in rows:
            document = apply_values(orjson.loads(body), read_values(self.connection, pk))
            self._add("set_body", orjson.dumps(document), pk)
            self._add("remove_values", pk)
            self._add("fold", pk)
        self._flush()
        return len(rows)

    # Index

    def _index(self, pk: int, kind: Kind, old: Document | None, new: Document | None) -> None:
        """Write the difference between what the old and the new document are found by."""
        number = NUMBERS[kind]
        if old and new and all(old.get(name) == new.get(name) for name in index.LABELLED):
            before, after = set[tuple[str, str]](), set[tuple[str, str]]()  # the rule: only values have changed
        else:
            before = set(index.labels(old)) if old else set()
            after = set(index.labels(new)) if new else set()
        for name, value in before - after:
            self._add("remove_label", number, self.terms.number(name), value, pk)
        for name, value in after - before:
            self._add("add_label", number, self.terms.number(name), value, pk)
        if kind is not Kind.SUBMODEL:
            return
        if old and new:
            self._elements(pk, *index.difference(old, new))
        else:
            self._elements(pk, index.rows(old) if old else set(), index.rows(new) if new else set())

    def _elements(self, pk: int, before: set[index.Row], after: set[index.Row]) -> None:
        number = self.slots.number
        for query, rows in (("remove_element", before - after), ("add_element", after - before)):
            self._rows.setdefault(query, []).extend([(number(path, name), value, pk) for path, name, value in rows])
            self._gathered += len(rows)

    # Binaries

    def _put_part(self, pk: int, name: str, part: Part | None) -> None:
        self._flush()
        old = self.connection.execute(SQL["replaced_part"], (pk, name)).fetchone()
        if part is None:
            self.connection.execute(SQL["remove_part"], (pk, name)).fetchall()
        else:
            if self.connection.execute(SQL["find_blob"], (part.sha256,)).fetchone() is None:
                raise NotFound(f"no binary with SHA-256 {part.sha256} is kept")
            row = (pk, name, part.sha256, part.content_type, int(part.thumbnail))
            self.connection.execute(SQL["put_part"], row)
            self.held.discard(part.sha256)
        if old and (part is None or old[0] != part.sha256):
            self._remove_blobs([old[0]])

    def _remove_blobs(self, hashes: Sequence[str]) -> None:
        """Remove those that no document has any more and nobody is about to attach."""
        for sha256 in set(hashes) - self.held:
            row = self.connection.execute(SQL["unused_blob"], (sha256,)).fetchone()
            if row is not None:
                self.remove_blob(row[0])

    def remove_blob(self, number: int) -> None:
        self.connection.execute(SQL["remove_chunks"], (number,))
        self.connection.execute(SQL["remove_blob"], (number,))

    # Rows

    def _log(
        self,
        event: Event,
        kind: Kind,
        identifier: str,
        path: str | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> int:
        self.sequence += 1
        given = orjson.dumps(attributes).decode() if attributes is not None else None
        self._add("log", self.sequence, time.time(), event.value, NUMBERS[kind], identifier, path, given)
        return self.sequence

    def _add(self, query: str, *row: object) -> None:
        self._rows.setdefault(query, []).append(row)
        self._gathered += 1

    def _flush(self) -> None:
        """Write the gathered rows. A slot that a value leaves and another enters must be left first."""
        rows, self._rows, self._gathered = self._rows, {}, 0
        for query in sorted(rows, key=lambda name: not name.startswith("remove")):
            self.connection.executemany(SQL[query], rows[query])


def read_values(connection: sqlite3.Connection, pk: int) -> list[tuple[IdShortPath, Mapping[str, object]]]:
    """The values of a document set since its body was written."""
    return [(parse(path), orjson.loads(given)) for path, given in connection.execute(SQL["values"], (pk,))]


def _address(change: Change) -> tuple[Kind, str]:
    match change:
        case SetValue():
            return Kind.SUBMODEL, change.submodel_id
        case Put() | Delete():
            return change.kind, change.identifier


def _check(kind: Kind, identifier: str, expected: int | None, revision: int) -> None:
    if expected == ABSENT and expected is not None:
        raise AlreadyExists(f"{kind} {identifier!r} exists already")
    if expected is not None and expected != revision:
        raise PreconditionFailed(f"{kind} {identifier!r} has changed since it was read")
