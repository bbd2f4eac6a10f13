"""Changes into tables: documents, index rows by difference, and the log, within one transaction of SQLite."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from aas_server.model import Document, Kind
from aas_server.model.changes import ABSENT, Change, Delete, Event, Outcome, Put, Readings, SetValue
from aas_server.model.edit import apply_values
from aas_server.model.errors import AlreadyExists, NotFound, PreconditionFailed
from aas_server.model.paths import IdShortPath, resolve
from aas_server.storage import index, texts
from aas_server.storage.binaries import Binaries
from aas_server.storage.gathering import KINDS, NUMBERS, Rows
from aas_server.storage.interning import SQL, Interned
from aas_server.storage.valuing import Values

#: Rows gathered before they are written; a slice of this size takes a few milliseconds.
SLICE = 2000
#: Changes after which others have a turn, however few rows they make.
TURN = 200
#: The log is trimmed whenever it has grown by this many changes.
TRIMMED = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A document before a change; `given` are the values set since its body was written, as JSON, if there are any."""

    pk: int
    revision: int
    body: bytes
    given: str | None
    blobs: int
    live: int

    @property
    def written(self) -> Document:
        """The document as its body says."""
        document: Document = orjson.loads(self.body)
        return document

    @property
    def document(self) -> Document:
        """The document as readers see it."""
        return apply_values(self.written, read_values(self.given)) if self.given else self.written


class Tables:
    """The writer's side of the tables: applies changes one after the other, rows gathered into few statements."""

    def __init__(self, connection: sqlite3.Connection, log_changes: int) -> None:
        self.connection = connection
        self._log_changes, self._trimmed = log_changes, 0
        self.terms = Interned(connection, "find_term", "add_term")
        self.slots = Interned(connection, "find_slot", "add_slot", index.derived)
        self.rows = Rows(connection)
        self.values = Values(self.rows, self.slots, lambda identifier: self._read(Kind.SUBMODEL, identifier).document)
        self.binaries = Binaries(connection)
        self._touched: set[tuple[Kind, str]] = set()

    @property
    def sequence(self) -> int:
        """The newest number of the log."""
        return self.rows.sequence

    def apply(self, changes: Sequence[Change]) -> Iterator[list[Outcome]]:
        """Apply all changes; yields what has been done so far whenever others may have a turn, and at the end."""
        outcomes: list[Outcome] = []
        self._touched.clear()
        for number, change in enumerate(changes, start=1):
            outcomes.append(self._apply(change))
            if self.rows.count >= SLICE or number % TURN == 0:
                self.rows.flush()
                yield outcomes
        self.rows.flush()
        self._trim()
        yield outcomes

    def _trim(self) -> None:
        """Let the log forget its oldest changes, many at a time."""
        if self.sequence - self._trimmed > self._log_changes + TRIMMED:
            self._trimmed = self.sequence - self._log_changes
            self.connection.execute(SQL["trim"], (self._trimmed,))

    def undo(self) -> None:
        """What was gathered and given out since the rollback's savepoint is forgotten."""
        self.rows.forget()
        self.terms.forget()
        self.slots.forget()

    def _apply(self, change: Change) -> Outcome:
        kind, identifier = _address(change)
        if not (alone := (kind, identifier) not in self._touched):
            self.rows.flush()
        self._touched.add((kind, identifier))
        match change:
            case Put():
                return self._put(change)
            case Delete():
                return self._delete(change)
            case SetValue():
                return self._set_value(change, alone)
            case Readings():
                return self.values.take(change)

    # Documents

    def _put(self, change: Put) -> Outcome:
        row = self.connection.execute(SQL["find"], (NUMBERS[change.kind], change.identifier)).fetchone()
        body = orjson.dumps(change.document)
        if row is None:
            if change.expected:
                raise PreconditionFailed(f"{change.kind} {change.identifier!r} is no longer there")
            outcome, pk = self._create(change, body)
        else:
            found = Found(*row)
            _check(change.kind, change.identifier, change.expected, found.revision)
            outcome, pk = self._replace(change, found, body), found.pk
        if change.parts:
            self.rows.flush()
            self.binaries.attach(pk, change.parts)
        return outcome

    def _create(self, change: Put, body: bytes) -> tuple[Outcome, int]:
        sequence = self.rows.log(Event.CREATED, change.kind, change.identifier)
        blobs = index.has_blobs(body)
        self.rows.add("add_document", sequence, NUMBERS[change.kind], change.identifier, sequence, blobs)
        self.rows.add("add_body", sequence, body)
        self._index(sequence, change.kind, None, change.document)
        self._texts(sequence, change.kind, None, change.document)
        return Outcome(sequence, Event.CREATED), sequence

    def _replace(self, change: Put, found: Found, body: bytes) -> Outcome:
        if found.body == body and not found.given and not change.parts:
            return Outcome(found.revision, None)
        old = found.document
        if found.given and not change.parts and orjson.dumps(old) == body:
            return Outcome(found.revision, None)
        sequence = self.rows.log(Event.UPDATED, change.kind, change.identifier)
        self.rows.add("set_revision", sequence, index.has_blobs(body), found.pk)
        if found.body != body:
            self.rows.add("set_body", body, found.pk)
        if found.given:
            self.rows.add("remove_values", found.pk)
        self._index(found.pk, change.kind, old, change.document)
        self._texts(found.pk, change.kind, found.written if found.given else old, change.document)
        self.binaries.attach(found.pk, self.binaries.left(found.pk, old, change.document))
        return Outcome(sequence, Event.UPDATED)

    def _delete(self, change: Delete) -> Outcome:
        row = self.connection.execute(SQL["find"], (NUMBERS[change.kind], change.identifier)).fetchone()
        if row is None:
            raise NotFound(f"no {change.kind} with id {change.identifier!r}")
        found = Found(*row)
        _check(change.kind, change.identifier, change.expected, found.revision)
        self._index(found.pk, change.kind, found.document, None)
        self._texts(found.pk, change.kind, found.written, None)
        for query in ("remove_document", "remove_body", "remove_values"):
            self.rows.add(query, found.pk)
        self.binaries.detach_all(found.pk)
        sequence = self.rows.log(Event.DELETED, change.kind, change.identifier)
        return Outcome(sequence, Event.DELETED)

    # Values

    def _set_value(self, change: SetValue, alone: bool) -> Outcome:
        """`alone`: nothing before it in this step has touched the submodel."""
        pk, revision, pending = self.values.head(change.submodel_id)
        _check(Kind.SUBMODEL, change.submodel_id, change.expected, revision)
        element = change.element
        if alone and change.expected is None:  # who states no revision may have read the element long ago
            element = resolve(self._read(Kind.SUBMODEL, change.submodel_id).document, change.path)
        return self.values.put(change, pk, pending, element)

    def _read(self, kind: Kind, identifier: str) -> Found:
        return Found(*self.connection.execute(SQL["find"], (NUMBERS[kind], identifier)).fetchone())

    def fold(self, before: float, most: int) -> Iterator[None]:
        """Put the values of documents at rest into their bodies; no new revision, as nothing changes for readers."""
        for number, identifier in self.connection.execute(SQL["pending"], (before, most)).fetchall():
            found = self._read(KINDS[number], identifier)
            self.rows.add("set_body", orjson.dumps(found.document), found.pk)
            self._texts(found.pk, KINDS[number], found.written, found.document)
            self.rows.add("remove_values", found.pk)
            self.rows.add("fold", found.pk)
            self.rows.flush()
            yield
        yield

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
            self.rows.add("remove_label", number, self.terms.number(name), value, pk)
        for name, value in after - before:
            self.rows.add("add_label", number, self.terms.number(name), value, pk)
        if kind is not Kind.SUBMODEL:
            return
        if old and new:
            self.values.index(pk, *index.difference(old, new))
        else:
            self.values.index(pk, index.rows(old) if old else set(), index.rows(new) if new else set())

    def _texts(self, pk: int, kind: Kind, written: Document | None, new: Document | None) -> None:
        """Note that the texts of a submodel differ from what was written of it; they are read later (texts.py)."""
        if kind is not Kind.SUBMODEL:
            return
        if written is None:
            self.rows.add("due", pk, "")
        elif new is not None and written.get("submodelElements") == new.get("submodelElements"):
            return
        elif self.connection.execute(SQL["is_due"], (pk,)).fetchone() is None:
            self.rows.add("due", pk, texts.bounded(written))

    def rebuild(self, after: int, most: int) -> int | None:
        """Make the rows of the next documents again, in an index without theirs; None where there are no more."""
        last = None
        for last, number, *row in self.connection.execute(SQL["rebuild"], (after, most)).fetchall():
            self._index(last, KINDS[number], None, Found(last, *row).document)
        self.rows.flush()
        return last


def read_values(given: str) -> list[tuple[IdShortPath, Mapping[str, object]]]:
    """Values set since a body was written, from their JSON."""
    return [(tuple(path), attributes) for path, attributes in orjson.loads(given)]


def _address(change: Change) -> tuple[Kind, str]:
    match change:
        case SetValue() | Readings():
            return Kind.SUBMODEL, change.submodel_id
        case Put() | Delete():
            return change.kind, change.identifier


def _check(kind: Kind, identifier: str, expected: int | None, revision: int) -> None:
    if expected == ABSENT and expected is not None:
        raise AlreadyExists(f"{kind} {identifier!r} exists already")
    if expected is not None and expected != revision:
        raise PreconditionFailed(f"{kind} {identifier!r} has changed since it was read")
