"""Values of elements into the value log: set by somebody, or read from the plant; the size of the rest is no matter."""

import sqlite3
import time
from collections.abc import Callable

import orjson

from aas_server.model import Document, Kind
from aas_server.model.changes import Event, Outcome, Readings, SetValue, Told
from aas_server.model.errors import NotFound
from aas_server.model.paths import resolver, text
from aas_server.storage import index
from aas_server.storage.gathering import NUMBERS, Rows
from aas_server.storage.interning import SQL, Interned

#: The document of a submodel as it is now, values included.
Seen = Callable[[str], Document]

#: Elements with an attribute that is no value of the plant's: what was set of it before stays in the value log.
_MORE = ("Blob", "File")


class Values:
    """Writes values beside the bodies they belong to."""

    def __init__(self, rows: Rows, slots: Interned, seen: Seen) -> None:
        self._rows, self._slots, self._seen = rows, slots, seen
        self._connection: sqlite3.Connection = rows.connection

    def head(self, submodel_id: str) -> tuple[int, int, float]:
        """Number, revision, and the time of the newest pending value. Raises NotFound."""
        row = self._connection.execute(SQL["head"], (NUMBERS[Kind.SUBMODEL], submodel_id)).fetchone()
        if row is None:
            raise NotFound(f"no {Kind.SUBMODEL} with id {submodel_id!r}")
        pk, revision, pending = row
        return pk, revision, pending

    def put(self, change: SetValue, pk: int, pending: float, element: Document) -> Outcome:
        """One value that somebody sets: a new revision."""
        path = orjson.dumps(change.path).decode()
        logged = self._logged(pk, path) if pending else {}
        before = element | {name: logged[name] for name in change.attributes if name in logged}
        sequence = self._rows.log(Event.VALUE, Kind.SUBMODEL, change.submodel_id, path, change.attributes)
        self._rows.add("touch", sequence, time.time(), pk)
        self._rows.add("put_value", pk, path, orjson.dumps({**logged, **change.attributes}).decode())
        self._elements(pk, before, before | dict(change.attributes), text(change.path))
        return Outcome(sequence, Event.VALUE)

    def take(self, change: Readings) -> Outcome:
        """Values of the plant: the revision stays, for nobody has edited the document. What is gone is left out."""
        pk, revision, pending = self.head(change.submodel_id)
        at = resolver(self._seen(change.submodel_id)) if revision != change.revision else None
        sequence = None
        for told in change.values:
            try:
                element = at(told.path) if at else told.element
            except NotFound:
                continue
            sequence = self._take(change.submodel_id, pk, told, element, bool(pending))
        if sequence is None:
            return Outcome(revision, None)
        self._rows.add("touch_live", sequence, time.time(), pk)
        return Outcome(revision, Event.VALUE)

    def _take(self, submodel_id: str, pk: int, told: Told, element: Document, pending: bool) -> int:
        path = orjson.dumps(told.path).decode()
        given = dict(told.attributes)
        if pending and element["modelType"] in _MORE:
            given = {**self._logged(pk, path), **given}
        self._rows.add("put_value", pk, path, orjson.dumps(given).decode())
        self._elements(pk, element, element | dict(told.attributes), text(told.path))
        return self._rows.log(
            Event.VALUE, Kind.SUBMODEL, submodel_id, path, told.attributes, told.quality, told.source_time
        )

    def _logged(self, pk: int, path: str) -> dict[str, object]:
        known = self._connection.execute(SQL["value"], (pk, path)).fetchone()
        logged: dict[str, object] = orjson.loads(known[0]) if known else {}
        return logged

    def _elements(self, pk: int, before: Document, after: Document, path: str) -> None:
        self.index(pk, index.values(before, path), index.values(after, path))

    def index(self, pk: int, before: set[index.Row], after: set[index.Row]) -> None:
        """Write the difference of index rows."""
        number = self._slots.number
        for query, rows in (("remove_element", before - after), ("add_element", after - before)):
            if rows:
                self._rows.extend(query, [(number(*place), value, pk) for place, value in rows])
