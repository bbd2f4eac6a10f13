"""What is SQLite's own: the lock, kill -9, query plans, the form of the tables, a damaged file."""

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from aas_server.model import Kind
from aas_server.model.changes import Put
from aas_server.model.errors import Unavailable, Unsupported
from aas_server.storage import Criterion, ElementValue, Label, index
from aas_server.storage.gathering import NUMBERS
from aas_server.storage.interning import SQL
from aas_server.storage.opening import APPLICATION, open_store
from aas_server.storage.queries import migrations
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import prop, submodel

#: `make test` kills a few times; AAS_KILL_ROUNDS=100 is the long run.
ROUNDS = int(os.environ.get("AAS_KILL_ROUNDS", "5"))

#: Queries that read a whole small table, once, when the store is opened.
ONCE = {"doom_orphans"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


async def test_one_process_a_store(file: Path) -> None:
    storage = await SqliteStorage.open(f"sqlite:///{file}")
    with pytest.raises(Unavailable, match="another process"):
        await SqliteStorage.open(f"sqlite:///{file}")
    await storage.close()
    again = await SqliteStorage.open(f"sqlite:///{file}")
    assert again.store_id == storage.store_id
    await again.close()


async def test_urls_that_name_no_store(tmp_path: Path) -> None:
    for url in ("postgres://x", "sqlite:///", "aas.db"):
        with pytest.raises(Unsupported):
            await SqliteStorage.open(url)
    with pytest.raises(Unavailable, match="no folder"):
        await SqliteStorage.open(f"sqlite:///{tmp_path}/none/x.db")


def test_what_is_no_database_is_refused_and_left_alone(file: Path) -> None:
    file.write_bytes(b"this is a text, not a database" * 100)
    with pytest.raises(Unavailable):
        open_store(f"sqlite:///{file}")
    assert file.read_bytes().startswith(b"this is a text")


async def test_a_newer_form_is_refused(file: Path) -> None:
    await (await SqliteStorage.open(f"sqlite:///{file}")).close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    with pytest.raises(Unsupported, match="newer"):
        await SqliteStorage.open(f"sqlite:///{file}")


def test_a_store_of_the_first_form_is_brought_up_to_date(file: Path) -> None:
    number, script = migrations()[0]
    connection = sqlite3.connect(file)
    connection.executescript(f"{script}\nPRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number};")
    for pk, elements in ((1, ""), (2, '{"modelType":"Blob"}')):
        body = f'{{"modelType":"Submodel","id":"urn:x:{pk}","submodelElements":[{elements}]}}'.encode()
        connection.execute("INSERT INTO document VALUES (?, 2, ?, 1, 0)", (pk, f"urn:x:{pk}"))
        connection.execute("INSERT INTO body VALUES (?, ?)", (pk, body))
    connection.commit()
    connection.close()
    opened = open_store(f"sqlite:///{file}")
    found = [opened.reader.execute(SQL["find"], (NUMBERS[Kind.SUBMODEL], f"urn:x:{pk}")).fetchone()[4] for pk in (1, 2)]
    assert found == [0, 1]  # whether there is a Blob
    assert opened.reader.execute("PRAGMA user_version").fetchone() == (migrations()[-1][0],)
    opened.release.close()


def plan(connection: sqlite3.Connection, query: str, values: Any) -> list[str]:
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]


@pytest.mark.parametrize("name", sorted(set(SQL) - ONCE))
def test_no_query_scans_a_table(file: Path, name: str) -> None:
    opened = open_store(f"sqlite:///{file}")
    values: list[object] = [1] * SQL[name].count("?")
    if name == "several":
        values[0] = "[]"
    steps = plan(opened.reader, SQL[name], values)
    scans = [
        step for step in steps if step.startswith("SCAN") and not re.search("json_each|wanted|sqlite_sequence", step)
    ]
    assert scans == [], steps
    opened.release.close()


CRITERIA: list[list[Criterion]] = [
    [Label(index.ID_SHORT, "S")],
    [ElementValue("P", 1.0)],
    [Label(index.ID_SHORT, "S"), ElementValue("P", 1.0)],
    [ElementValue("P", 1.0), ElementValue("P", 2.0), Label(index.SEMANTIC_ID, "x")],
    [Label(index.specific_asset_id("serial"), "1"), Label(index.GLOBAL_ASSET_ID, "2")],
]


@pytest.mark.parametrize("criteria", CRITERIA, ids=str)
async def test_no_criteria_scan_a_table(file: Path, criteria: list[Criterion]) -> None:
    storage = await SqliteStorage.open(f"sqlite:///{file}")
    labels = {index.SEMANTIC_ID, index.specific_asset_id("serial"), index.GLOBAL_ASSET_ID}
    await storage.apply([Put(submodel("urn:x:1", prop("P"), idShort="S"))])
    for name in labels:
        storage._tables.terms.number(name)
    query, walk, values = storage._selecting.query(NUMBERS[Kind.SUBMODEL], criteria)
    assert bool(walk) == (len(criteria) > 1)
    given = values | {"after": 0, "until": 9, "limit": 10}
    steps = [step for each in (query, walk) if each for step in plan(storage._reader, each, given)]
    assert steps
    # What a subquery gives is at most a page.
    scans = [step for step in steps if step.startswith("SCAN") and not re.search("subquery|CONSTANT ROW", step)]
    assert scans == [], steps
    await storage.close()


WRITER = """
import asyncio, sys
from aas_server.model.changes import Put, SetValue
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import prop, submodel

async def write(storage, client):
    for number in range(10**9):
        document = submodel(f"urn:x:{sys.argv[2]}:{client}:{number}", prop("P", str(number)))
        await storage.apply([Put(document)])
        print(document["id"], number, flush=True)
        element = document["submodelElements"][0]
        await storage.apply([SetValue(document["id"], ("P",), {"value": str(-number)}, element)])
        print(document["id"], -number, flush=True)

async def main():
    storage = await SqliteStorage.open(sys.argv[1])
    await asyncio.gather(*(write(storage, client) for client in range(32)))

asyncio.run(main())
"""


async def test_acknowledged_writes_survive_kill_9(file: Path) -> None:
    """32 writers, killed in the middle, again and again over one store."""
    acknowledged: dict[str, int] = {}
    for round_ in range(ROUNDS):
        lines = await asyncio.to_thread(killed, file, str(round_), 0.3 + 0.05 * (round_ % 7))
        for line in lines:
            identifier, text = line.split()
            acknowledged[identifier] = int(text)
        opened = await asyncio.to_thread(open_store, f"sqlite:///{file}")
        assert opened.reader.execute("PRAGMA quick_check").fetchone() == ("ok",)
        opened.release.close()
        storage = await SqliteStorage.open(f"sqlite:///{file}")
        for identifier, number in acknowledged.items():
            stored = storage.peek(Kind.SUBMODEL, identifier)
            assert stored is not None, identifier
            (element,) = orjson.loads(stored.body)["submodelElements"]
            value = stored.values.get(("P",), element)["value"]
            # The value after the one acknowledged last may have been written as well.
            assert value in (str(number), str(-abs(number))), identifier
        await storage.close()
        file.with_suffix(".lock").unlink(missing_ok=True)
        acknowledged = {} if len(acknowledged) > 20_000 else acknowledged
    assert acknowledged


def killed(file: Path, name: str, seconds: float) -> list[str]:
    """The acknowledgements of a writing process that was killed."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", WRITER, f"sqlite:///{file}", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "the writer did not start"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    complete = [line for line in (first + rest).split("\n")[:-1] if len(line.split()) == 2]
    assert complete
    return complete
