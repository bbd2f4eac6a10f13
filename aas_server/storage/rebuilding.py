"""Index rows made again from the documents, after a migration has changed what they say."""

import logging
import sqlite3

from aas_server.storage.applying import Tables
from aas_server.storage.interning import SQL

log = logging.getLogger(__name__)

#: Documents in one transaction, and after how many the log tells how far it is.
STEP, TOLD = 500, 10_000


def rebuild(connection: sqlite3.Connection, name: str) -> None:
    """Finish what a migration has begun; interrupted, it goes on where it was when the store is opened again."""
    row = connection.execute(SQL["get_meta"], ("rebuilt",)).fetchone()
    if row is None:
        return
    tables, done, position = Tables(connection, 0), 0, int(row[0])
    (total,) = connection.execute("SELECT count(*) FROM document WHERE pk > ?", (position,)).fetchone()
    if total:
        log.info("%s: the index of %d documents is made again", name, total)
    while True:
        connection.execute("BEGIN IMMEDIATE")
        last = tables.rebuild(position, STEP)
        if last is None:
            connection.execute("DELETE FROM meta WHERE key = 'rebuilt'")
            connection.execute("COMMIT")
            return
        position, done = last, min(done + STEP, total)
        connection.execute(SQL["put_meta"], ("rebuilt", str(position)))
        connection.execute("COMMIT")
        if done % TOLD == 0 or done == total:
            log.info("%s: index made again for %d of %d documents", name, done, total)
