"""Numbers of texts that stand in no row any more, removed at rest and some at a time."""

import sqlite3
from collections.abc import Iterator

from aas_server.storage.interning import SQL, Interned

#: Numbers that are looked at in one step, which takes a millisecond or two.
STEP = 1000


class Sweeper:
    """Goes over one table of interned texts (`slot` or `term`), round after round, as long as something changes."""

    def __init__(self, table: str, reader: sqlite3.Connection, writer: sqlite3.Connection, interned: Interned) -> None:
        self._table, self._reader, self._writer, self._interned = table, reader, writer, interned
        self._position, self._begun = 0, -1

    def unused(self, sequence: int) -> int | None:
        """Look at the next numbers; where some are unused, the position to remove them from.

        A round begins when something has changed (`sequence`) since the last one began.
        """
        start = self._position
        if start == 0:
            if sequence == self._begun:
                return None
            self._begun = sequence
        (newest,) = self._reader.execute(SQL[f"newest_{self._table}"]).fetchone()
        end = start + STEP
        found = self._reader.execute(SQL[f"unused_{self._table}s"], (start, end)).fetchone()
        self._position = end if newest is not None and end < newest else 0
        return start if found else None

    @property
    def resting(self) -> bool:
        """Whether a round has come to its end."""
        return self._position == 0

    def remove(self, start: int) -> Iterator[None]:
        """The writer's job: whoever came to use a number in between keeps it."""
        for number, *key in self._writer.execute(SQL[f"unused_{self._table}s"], (start, start + STEP)).fetchall():
            self._writer.execute(SQL[f"remove_{self._table}"], (number,))
            self._interned.drop(tuple(key))
        yield
