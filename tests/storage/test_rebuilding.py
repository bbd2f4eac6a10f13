"""A store of the form before is brought to the newest, and what it holds is found by queries."""

import asyncio
import sqlite3
from pathlib import Path

from aas_server.model import Kind
from aas_server.model.changes import Put, SetValue
from aas_server.storage import ElementValue, Matching
from aas_server.storage.queries import migrations
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import motors, prop, submodel
from tests.queries import compare, read


async def test_an_older_store_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    url = f"sqlite:///{path}"
    storage = await SqliteStorage.open(url)
    await storage.apply([Put(motors(f"urn:x:{number}")) for number in range(1200)])
    await storage.apply([SetValue("urn:x:7", ("Name",), {"value": "spindle"}, prop("Name", "press", "xs:string"))])
    await storage.close()
    await asyncio.to_thread(make_old, path)

    storage = await SqliteStorage.open(url)
    try:
        assert len((await storage.page(Kind.SUBMODEL, [ElementValue("Motors[0].Speed", 4.2)], 2000)).result) == 1200
        for condition in (compare("$contains", "$sme#value", "pindl"), compare("$eq", "$sme.Name#value", "spindle")):
            page = await storage.page(Kind.SUBMODEL, [Matching(read(condition))])
            assert [each.identifier for each in page.result] == ["urn:x:7"]
    finally:
        await storage.close()


def make_old(path: Path) -> None:
    """Give the file the tables of form 1, without what stood in those that are made again."""
    connection = sqlite3.connect(path, isolation_level=None)
    (_, first), *_ = migrations()
    for table in ("element", "slot", "texts", "text_due", "text_wide"):
        connection.execute(f"DROP TABLE {table}")
    for statement in first.split(";"):
        bare = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
        if bare.startswith(("CREATE TABLE slot", "CREATE INDEX slot", "CREATE TABLE element")):
            connection.execute(bare)
    for table, column in (("document", "blobs"), ("document", "live"), ("change", "quality"), ("change", "source")):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


async def test_texts_of_changed_and_removed_submodels_are_forgotten(tmp_path: Path) -> None:
    storage = await SqliteStorage.open(f"sqlite:///{tmp_path / 'texts.db'}")
    try:
        for value in ("first", "second"):
            await storage.apply([Put(submodel("urn:x:1", prop("P", value, "xs:string")))])
            await storage.read_texts()
        for text, hits in (('"fir"', 0), ('"sec"', 1)):
            rows = storage._opened.reader.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (text,)).fetchall()
            assert len(rows) == hits
    finally:
        await storage.close()
