"""The numbered log, read once for all who follow it."""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from aas_server.model.changes import Event, Logged
from aas_server.storage.gathering import KINDS
from aas_server.storage.interning import SQL

#: Changes that a follower gets in one batch, and batches that are kept for the others.
BATCH, KEPT = 1000, 16


class Log:
    """What has been stored, from any number on."""

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader
        #: What was read last, by the number it comes after.
        self._read: OrderedDict[int, Sequence[Logged]] = OrderedDict()

    def after(self, position: int) -> Sequence[Logged]:
        """The next changes; none where there are none yet. Followers that keep up ask for the same."""
        if (found := self._read.get(position)) is None:
            found = [_logged(row) for row in self._reader.execute(SQL["changes"], (position, BATCH))]
            if found:
                self._read[position] = found
            if len(self._read) > KEPT:
                self._read.popitem(last=False)
        return found


def _logged(row: tuple[Any, ...]) -> Logged:
    sequence, at, event, kind, identifier, path, attributes, quality, source = row
    return Logged(
        sequence,
        datetime.fromtimestamp(at, UTC),
        Event(event),
        KINDS[kind],
        identifier,
        tuple(orjson.loads(path)) if path else (),
        orjson.loads(attributes) if attributes else None,
        quality or "",
        datetime.fromtimestamp(source, UTC) if source is not None else None,
    )
