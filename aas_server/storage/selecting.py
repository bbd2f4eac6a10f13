"""Pages of documents by criteria: index ranges, one driving and the others checked, never a scan and never OFFSET."""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from aas_server.model.errors import Malformed
from aas_server.model.identifiers import decode, encode
from aas_server.storage import Criterion, ElementValue, Label, Matching
from aas_server.storage.index import cut
from aas_server.storage.interning import SQL, Interned

#: How far a range is counted to find the smallest of several.
COUNTED = 500
#: Bytes of bodies after which a page ends.
LARGEST = 16 << 20
#: Digits of a position; SQLite's integers have no more.
LONGEST_NUMBER = 18
#: Ranges that are read one by one; SQLite takes 500 SELECTs in one statement.
MOST_RANGES = 100

#: What the named query `page` selects, here from the rows of an index.
_COLUMNS = SQL["page"].partition(" FROM document d")[0]
_JOINED = "JOIN document d ON d.pk = m.pk AND d.kind = :kind JOIN body b ON b.pk = d.pk"

#: Rows of the driving range that are looked through before others have a turn, where criteria exclude each other.
WALKED = 5000
#: Above every position.
END = (1 << 63) - 1

_Rows = tuple[list[tuple[Any, ...]], str | None]
#: A table and the ranges of its primary key that hold what meets a criterion.
_Ranges = tuple[str, list[str]]


class Selecting:
    """Finds documents through the index rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._terms = Interned(connection, "find_term", "add_term")

    async def page(self, kind: int, criteria: Sequence[Criterion], limit: int, cursor: str | None) -> _Rows:
        """The rows of a page, and the cursor behind it where there is more. Raises Malformed for a foreign cursor.

        Criteria that are common, but never together, are looked through in slices, between which others have a turn.
        """
        after = position(cursor) if cursor is not None else 0
        if not criteria:
            return _page(self._connection.execute(SQL["page"], (kind, after, limit + 1)), limit)
        query, walk, values = self.query(kind, criteria)
        if not query:
            return [], None
        found: list[tuple[Any, ...]] = []
        while True:
            until = self._horizon(walk, values | {"after": after})
            wanted = limit + 1 - len(found)
            given = values | {"after": after, "until": until, "limit": wanted}
            rows, cut = _page(self._connection.execute(query, given), wanted)
            found += rows
            result, behind = _page(found, limit)
            if until == END or cut or behind:
                return result, behind or cut
            after = until
            await asyncio.sleep(0)

    def forget(self) -> None:
        """Numbers of names have been removed: ask for them anew."""
        self._terms.forget()

    def _horizon(self, walk: str, values: dict[str, Any]) -> int:
        """How far from `after` on a slice goes: to the end where that is not far."""
        row = self._connection.execute(walk, values).fetchone() if walk else None
        return row[0] if row and row[0] is not None else END

    def query(self, kind: int, criteria: Sequence[Criterion]) -> tuple[str, str, dict[str, Any]]:
        """The SELECT for these criteria, the one for the end of a slice of it (empty where all of it is one slice), and
        their values; nothing to select where a name or path stands nowhere at all.
        """
        values: dict[str, Any] = {"kind": kind}
        found = [self._ranges(criterion, number, values) for number, criterion in enumerate(criteria)]
        ranges = [each for each in found if each is not None]
        if len(ranges) < len(criteria):
            return "", "", {}
        if len(ranges) > 1:
            ranges.sort(key=lambda each: self._count(each, values))
        (table, conditions), *others = ranges
        checks = "".join(
            f" AND EXISTS (SELECT 1 FROM {other} m WHERE ({' OR '.join(each)}) AND m.pk = d.pk)"  # noqa: S608
            for other, each in others
        )
        selects = [
            f"{_COLUMNS} FROM {table} m {_JOINED} WHERE {condition} AND m.pk > :after AND m.pk <= :until{checks}"
            " ORDER BY m.pk LIMIT :limit"
            for condition in conditions
        ]
        walk = _end_of_slice(table, conditions) if others else ""
        if len(selects) == 1:
            return selects[0], walk, values
        # Each range is in the order of pk already, so each gives at most a page, and few rows are sorted together.
        union = " UNION ALL ".join(f"SELECT * FROM ({select})" for select in selects)  # noqa: S608
        return f"{union} ORDER BY 1 LIMIT :limit", walk, values

    def _ranges(self, criterion: Criterion, number: int, values: dict[str, Any]) -> _Ranges | None:
        match criterion:
            case Label(name, value):
                term = self._terms.known(name)
                values |= {f"name{number}": term, f"value{number}": value}
                condition = f"m.kind = :kind AND m.name = :name{number} AND m.value = :value{number}"
                return ("label", [condition]) if term is not None else None
            case ElementValue(path, value):
                rows = self._connection.execute("SELECT id FROM slot WHERE path = ?", (path,)).fetchall()
                values[f"value{number}"] = cut(value) if isinstance(value, str) else value
                conditions = [f"m.slot = {slot} AND m.value = :value{number}" for (slot,) in rows]
                if len(conditions) > MOST_RANGES:
                    conditions = [_several(rows, number)]
                return ("element", conditions) if conditions else None
            case Matching():
                raise Malformed("a query stands by itself, not beside other criteria")

    def _count(self, ranges: _Ranges, values: dict[str, Any]) -> int:
        table, conditions = ranges
        query = f"SELECT count(*) FROM (SELECT 1 FROM {table} m WHERE {' OR '.join(conditions)} LIMIT {COUNTED})"  # noqa: S608
        count: int = self._connection.execute(query, values).fetchone()[0]
        return count


def _page(found: Iterable[tuple[Any, ...]], limit: int) -> _Rows:
    """The first rows, fewer where they are large (Part 2 allows fewer than asked for), and the cursor behind them."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    for row in found:
        if len(rows) == limit or size > LARGEST:
            return rows, encode(f"pk:{rows[-1][0]}")
        rows.append(row)
        size += len(row[2])
    return rows, None


def _end_of_slice(table: str, conditions: Sequence[str]) -> str:
    """The position up to which none of the ranges has more rows than are walked in one slice; NULL for the end."""
    ends = (
        f"SELECT (SELECT m.pk FROM {table} m WHERE {condition} AND m.pk > :after"  # noqa: S608
        f" ORDER BY m.pk LIMIT 1 OFFSET {max(1, WALKED // len(conditions))}) AS pk"
        for condition in conditions
    )
    return f"SELECT min(pk) FROM ({' UNION ALL '.join(ends)})"  # noqa: S608


def _several(rows: list[tuple[int]], number: int) -> str:
    """One condition for a place with very many meanings."""
    slots = ", ".join(str(slot) for (slot,) in rows)
    return f"m.slot IN ({slots}) AND m.value = :value{number}"


def position(cursor: str) -> int:
    """Where a cursor stands. Raises Malformed for one that was not given out here."""
    try:
        prefix, _, number = decode(cursor).partition(":")
    except Malformed:
        prefix, number = "", ""
    if prefix != "pk" or not (number.isascii() and number.isdigit()) or len(number) > LONGEST_NUMBER:
        raise Malformed(f"cursor={cursor!r} was not given out by this server")
    return int(number)
