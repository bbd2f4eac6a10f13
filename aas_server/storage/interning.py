"""Texts that stand in many rows, as numbers."""

import sqlite3
from collections.abc import Callable

from aas_server.storage.queries import queries

SQL = queries("sqlite.sql")

#: Texts remembered; beyond, they are looked up again.
REMEMBERED = 200_000

Derive = Callable[[tuple[str, ...]], tuple[str | int, ...]]


class Interned:
    """Numbers of texts (or of pairs of them) that stand in many rows."""

    def __init__(self, connection: sqlite3.Connection, find: str, add: str, derive: Derive = lambda _key: ()) -> None:
        """`derive`: what the row says besides its key."""
        self._connection, self._find, self._add, self._derive = connection, SQL[find], SQL[add], derive
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
            number = self._remember(key, self._new(key))
        return number

    def drop(self, key: tuple[str, ...]) -> None:
        """The text has no number any more."""
        self._known.pop(key, None)

    def _new(self, key: tuple[str, ...]) -> int:
        return self._connection.execute(self._add, (*key, *self._derive(key))).lastrowid or 0

    def forget(self) -> None:
        """What was given out in a transaction that failed does not count."""
        self._known.clear()

    def _remember(self, key: tuple[str, ...], number: int) -> int:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = number
        return number
