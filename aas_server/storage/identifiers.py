"""Pages of ids under which documents of several kinds lie together: in the order of the ids, never with OFFSET.

An id keeps its place whatever becomes of the documents under it, one kind of them created or removed included.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from aas_server.model.errors import Malformed
from aas_server.model.identifiers import decode, encode
from aas_server.storage import Label
from aas_server.storage.interning import Interned

#: So many documents that meet a criterion are found first and then sorted; where more do, the ids are walked in order
#: and each is asked, for then not many have to be asked until a page is full.
FEW = 5000


class Identifiers:
    """Finds ids through the index rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._terms = Interned(connection, "find_term", "add_term")

    def forget(self) -> None:
        """Numbers of names have been removed: those remembered may be among them."""
        self._terms.forget()

    def page(
        self, kinds: Sequence[int], labels: Sequence[Label], limit: int, cursor: str | None
    ) -> tuple[list[str], str | None]:
        """At most `limit` ids after the cursor such that each label is one of some document under the id.

        The cursor behind them is None on the last page. Raises Malformed for a foreign one.
        """
        query, values = self.query(kinds, labels)
        if not query:
            return [], None
        values |= {"after": last(cursor) if cursor is not None else "", "limit": limit + 1}
        found = [identifier for (identifier,) in self._connection.execute(query, values)]
        return found[:limit], encode(f"id:{found[limit - 1]}") if len(found) > limit else None

    def query(self, kinds: Sequence[int], labels: Sequence[Label]) -> tuple[str, dict[str, Any]]:
        """The SELECT and its values; empty where a name stands nowhere at all."""
        values: dict[str, Any] = {}
        for number, label in enumerate(labels):
            if (term := self._terms.known(label.name)) is None:
                return "", {}
            values |= {f"name{number}": term, f"value{number}": label.value}
        counts = [self._count(kinds, number, values) for number in range(len(labels))]
        first = min(range(len(labels)), key=lambda number: counts[number]) if labels else None
        if first is not None and counts[first] > FEW:
            first = None
        checks = "".join(_check(kinds, number) for number in range(len(labels)) if number != first)
        selects = [_select(kind, first, checks) for kind in kinds]
        union = " UNION ".join(f"SELECT * FROM ({select} ORDER BY d.id LIMIT :limit)" for select in selects)  # noqa: S608
        return f"{union} ORDER BY 1 LIMIT :limit", values

    def _count(self, kinds: Sequence[int], number: int, values: dict[str, Any]) -> int:
        """How many documents have the label, not counted further than FEW for each kind."""
        counts = ", ".join(
            f"(SELECT count(*) FROM (SELECT 1 FROM label m WHERE {_labelled(number)} AND m.kind = {kind}"  # noqa: S608
            f" LIMIT {FEW + 1}))"
            for kind in kinds
        )
        return sum(self._connection.execute(f"SELECT {counts}", values).fetchone())


def _select(kind: int, first: int | None, checks: str) -> str:
    """The ids of one kind: those with the label of that number, or all. CROSS JOIN keeps the order of the tables."""
    if first is None:
        return f"SELECT d.id FROM document d WHERE d.kind = {kind} AND d.id > :after{checks}"  # noqa: S608
    return (
        f"SELECT d.id FROM label m CROSS JOIN document d ON d.pk = m.pk"  # noqa: S608
        f" WHERE m.kind = {kind} AND {_labelled(first)} AND d.id > :after{checks}"
    )


def _check(kinds: Sequence[int], number: int) -> str:
    """The condition that some document under the id has the label."""
    several = ", ".join(map(str, kinds))
    return (
        " AND EXISTS (SELECT 1 FROM document o CROSS JOIN label m ON m.kind = o.kind AND m.pk = o.pk"  # noqa: S608
        f" WHERE o.kind IN ({several}) AND o.id = d.id AND {_labelled(number)})"
    )


def _labelled(number: int) -> str:
    return f"m.name = :name{number} AND m.value = :value{number}"


def last(cursor: str) -> str:
    """The id that a cursor stands behind. Raises Malformed for one that was not given out here."""
    try:
        prefix, _, identifier = decode(cursor).partition(":")
    except Malformed:
        prefix, identifier = "", ""
    if prefix != "id" or not identifier:
        raise Malformed(f"cursor={cursor[:80]!r} was not given out by this server")
    return identifier
