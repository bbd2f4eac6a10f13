"""The index of texts: which submodels may contain a text. It is behind the documents and says for which.

Reading texts costs more than the rest of a write, so it is done when there is little to do. Until then a submodel may
contain anything.
"""

import sqlite3
from collections.abc import Iterator

import orjson

from aas_server.model import Document
from aas_server.storage import index
from aas_server.storage.interning import SQL

#: Characters of one submodel's texts that are read; one with more may contain anything.
LONGEST = 128 << 10
#: Trigrams of a text that are looked up; more hardly make less of what is found.
MOST = 24


def read_due(connection: sqlite3.Connection, most: int) -> Iterator[int]:
    """Read the texts of the next submodels; yields how many there were so far."""
    rows = connection.execute(SQL["some_due"], (most,)).fetchall()
    for number, (pk, before, body, wide) in enumerate(rows, start=1):
        if wide:
            connection.execute(SQL["not_wide"], (pk,))
        elif before:
            connection.execute(SQL["forget_texts"], (pk, before))
        if body is not None:
            document = orjson.loads(body)
            content = bounded(document)
            if content:
                connection.execute(SQL["read_texts"], (pk, content))
            elif index.texts(document):
                connection.execute(SQL["wide"], (pk,))
        connection.execute(SQL["not_due"], (pk,))
        yield number
    if not rows:
        yield 0


def bounded(document: Document) -> str:
    """The texts of a submodel; none where they are too long to be read."""
    found = index.texts(document)
    return found if len(found) <= LONGEST else ""


def phrase(text: str) -> str | None:
    """What to look up for a text; None for one too short to be found so.

    >>> phrase("ab-c")
    '"ab-" AND "b-c"'
    """
    if len(text) < 3 or "\0" in text:
        return None
    grams = dict.fromkeys(text[at : at + 3] for at in range(len(text) - 2))
    return " AND ".join('"' + gram.replace('"', '""') + '"' for gram in list(grams)[:MOST])
