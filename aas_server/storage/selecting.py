"""Pages of documents by criteria: index ranges, one driving and the others checked, never a scan and never OFFSET."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from aas_server.model.errors import Malformed
from aas_server.model.identifiers import decode, encode
from aas_server.storage import Criterion, ElementValue, Label
from aas_server.storage.applying import SQL, Interned

#: How far a range is counted to find the smallest of several.
COUNTED = 500

_COLUMNS = "SELECT d.pk, d.revision, d.pending, b.body, d.id"
_JOINED = "JOIN document d ON d.pk = m.pk AND d.kind = :kind JOIN body b ON b.pk = d.pk"

_Found = tuple[list[tuple[Any, ...]], str | None]


class Selecting:
    """Finds documents through the index rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._terms = Interned(connection, "find_term", "add_term")

    def page(self, kind: int, criteria: Sequence[Criterion], limit: int, cursor: str | None) -> _Found:
        """The rows of a page, and the cursor behind it where there is more. Raises Malformed for a foreign cursor."""
        after = position(cursor) if cursor is not None else 0
        if not criteria:
            rows = self._connection.execute(SQL["page"], (kind, after, limit + 1)).fetchall()
        else:
            query, values = self.query(kind, criteria)
            values |= {"after": after, "limit": limit + 1}
            rows = self._connection.execute(query, values).fetchall() if query else []
        more = len(rows) > limit
        return rows[:limit], encode(f"pk:{rows[limit - 1][0]}") if more else None

    def query(self, kind: int, criteria: Sequence[Criterion]) -> tuple[str, dict[str, Any]]:
        """The SELECT for these criteria and its values; empty where a name or path stands nowhere at all."""
        values: dict[str, Any] = {"kind": kind}
        ranges = []
        for number, criterion in enumerate(criteria):
            found = self._range(criterion, number, values)
            if found is None:
                return "", {}
            ranges.append(found)
        if len(ranges) > 1:
            ranges.sort(key=lambda condition: self._count(condition, values))
        (table, condition), *others = ranges
        checks = "".join(
            f" AND EXISTS (SELECT 1 FROM {other} m WHERE {each} AND m.pk = d.pk)"  # noqa: S608 - our own names only
            for other, each in others
        )
        select = f"{_COLUMNS} FROM {table} m {_JOINED} WHERE {condition} AND m.pk > :after{checks}"
        return f"{select} ORDER BY m.pk LIMIT :limit", values

    def _range(self, criterion: Criterion, number: int, values: dict[str, Any]) -> tuple[str, str] | None:
        """A table and the condition that makes one range of its primary key."""
        match criterion:
            case Label(name, value):
                term = self._terms.known(name)
                values |= {f"name{number}": term, f"value{number}": value}
                condition = f"m.kind = :kind AND m.name = :name{number} AND m.value = :value{number}"
                return ("label", condition) if term is not None else None
            case ElementValue(path, value):
                rows = self._connection.execute("SELECT id FROM slot WHERE path = ?", (path,)).fetchall()
                slots = ", ".join(str(slot) for (slot,) in rows)
                values[f"value{number}"] = value
                return ("element", f"m.slot IN ({slots}) AND m.value = :value{number}") if rows else None

    def _count(self, condition: tuple[str, str], values: dict[str, Any]) -> int:
        table, where = condition
        query = f"SELECT count(*) FROM (SELECT 1 FROM {table} m WHERE {where} LIMIT {COUNTED})"  # noqa: S608
        count: int = self._connection.execute(query, values).fetchone()[0]
        return count


def position(cursor: str) -> int:
    """Where a cursor stands. Raises Malformed for one that was not given out here."""
    try:
        prefix, _, number = decode(cursor).partition(":")
    except Malformed:
        prefix, number = "", ""
    if prefix != "pk" or not number.isdigit():
        raise Malformed(f"cursor={cursor!r} was not given out by this server")
    return int(number)
