"""Opening a SQLite store: its lock, its form, its state."""

import contextlib
import logging
import os
import secrets
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aas_server.model.errors import Unavailable, Unsupported
from aas_server.storage.queries import migrations, queries
from aas_server.storage.rebuilding import rebuild

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

SQL = queries("sqlite.sql")

#: What marks a SQLite file as a store of this server: "AASs" in ASCII.
APPLICATION = 0x41415373

#: A store that was not closed is checked whole before it is served up to this size, in bytes; a larger one meanwhile.
CHECKED = 256 << 20


def file_of(url: str) -> Path | None:
    """The file a store URL names; None for a store in memory.

    >>> file_of("sqlite:///aas.db"), file_of("sqlite:////var/aas.db"), file_of("sqlite:///:memory:")
    (PosixPath('aas.db'), PosixPath('/var/aas.db'), None)

    Raises Unsupported for a URL that is none of SQLite.
    """
    if not url.startswith("sqlite:///") or url == "sqlite:///":
        raise Unsupported(f"store {url!r}: must be sqlite:///FILE or sqlite:///:memory:")
    name = url.removeprefix("sqlite:///")
    return None if name == ":memory:" else Path(name)


@dataclass(slots=True)
class Opened:
    """An open database: two connections, and what is to be done when it is closed."""

    path: Path
    writer: sqlite3.Connection
    reader: sqlite3.Connection
    store_id: str
    unchecked: bool
    release: contextlib.ExitStack


def open_store(url: str) -> Opened:
    """Lock, open, bring up to date and check a store. Raises Unavailable where another process has it open.

    A store in memory is a temporary file that is never flushed: the same code runs, and its size is not bounded by RAM.
    """
    release = contextlib.ExitStack()
    try:
        path = file_of(url)
        temporary = path is None
        if path is None:
            path = Path(release.enter_context(tempfile.TemporaryDirectory(prefix="aas-"))) / "store.db"
        release.callback(_lock(path).close)
        writer = _connect(path, "OFF" if temporary else "FULL")
        release.callback(writer.close)
        _migrate(writer, path)
        rebuild(writer, str(path))
        store_id, unchecked = _check_in(writer, path)
        reader = _connect(path, "FULL")
        release.callback(reader.close)
        return Opened(path, writer, reader, store_id, unchecked, release)
    except sqlite3.DatabaseError as error:
        release.close()
        raise Unavailable(f"{url}: {error}") from None
    except BaseException:
        release.close()
        raise


def _lock(path: Path) -> IO[bytes]:
    """One process a store: a second one would answer from a memory that the first makes stale."""
    if not path.parent.is_dir():
        raise Unavailable(f"{path.parent} is no folder: the store {path} cannot be made there")
    file = open(path.with_name(path.name + ".lock"), "a+b")  # noqa: SIM115 - held until the store is closed
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise Unavailable(
                f"{path} is open in another process; stop that one, or ask it over HTTP: POST /upload imports, "
                "GET /serialization exports"
            ) from None
    return file


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    # No waiting for others inside SQLite: that would stop the event loop. The writer tries again by itself.
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=512)
    for pragma in (
        "page_size = 4096",
        "journal_mode = WAL",
        f"synchronous = {synchronous}",
        "mmap_size = 4294967296",
        "cache_size = -65536",
        "wal_autocheckpoint = 0",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """One more connection, which cannot write."""
    connection = _connect(path, "FULL")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to their newest form, one step a transaction."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION:
        raise Unsupported(f"{path} is a database of something else; name another file")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    steps = migrations()
    if version > steps[-1][0]:
        raise Unsupported(f"{path} was written by a newer aas-server (form {version}, known {steps[-1][0]})")
    for number, script in steps:
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
            log.info("%s: tables brought to form %d", path, number)


def _check_in(connection: sqlite3.Connection, path: Path) -> tuple[str, bool]:
    """Note that the store is open; one that was not closed is checked.

    Returns the store's id, and whether it is too large to be checked before it is served.
    """
    unchecked = False
    state = connection.execute(SQL["get_meta"], ("state",)).fetchone()
    if state is not None and state[0] == "open":
        log.warning("%s was not closed: recovering", path)
        unchecked = os.path.getsize(path) > CHECKED
        if not unchecked:
            _check(connection, path)
    row = connection.execute(SQL["get_meta"], ("store_id",)).fetchone()
    store_id: str = row[0] if row else secrets.token_hex(4)
    connection.execute(SQL["doom_orphans"])
    for key, value in (("store_id", store_id), ("state", "open")):
        connection.execute(SQL["put_meta"], (key, value))
    return store_id, unchecked


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises Unavailable where SQLite finds the file damaged."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Unavailable(f"{path} is damaged: {found}")


def check_meanwhile(connection: sqlite3.Connection, path: Path) -> list[str]:
    """What is wrong with a store that is in use, table by table, so that no table is held longer than it takes.

    Whoever closes the store interrupts the connection.
    """
    wrong = []
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for number, table in enumerate(tables, start=1):
        log.info("%s: checking table %s, %d of %d", path, table, number, len(tables))
        found = [text for (text,) in connection.execute(f"PRAGMA quick_check({table})")]
        wrong += [] if found == ["ok"] else found
    return wrong


def check_out(connection: sqlite3.Connection) -> None:
    """Note that the store was closed."""
    connection.execute(SQL["put_meta"], ("state", "closed"))
