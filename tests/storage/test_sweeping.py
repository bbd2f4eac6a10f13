"""What is done at rest: numbers nobody uses go, the log is carried over, a large store is looked through."""

import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from aas_server.model import Kind
from aas_server.model.changes import Delete, Put
from aas_server.storage import Criterion, ElementValue, Label, index, opening, selecting, sweeping
from aas_server.storage.gathering import NUMBERS
from aas_server.storage.interning import SQL
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import prop, shell, submodel


def texts(storage: SqliteStorage) -> tuple[set[str], set[str]]:
    reader = storage._reader
    paths = {path for (path,) in reader.execute("SELECT path FROM slot")}
    return paths, {text for (text,) in reader.execute("SELECT text FROM term")}


async def found(storage: SqliteStorage, kind: Kind, *criteria: Criterion) -> list[str]:
    return [stored.identifier for stored in (await storage.page(kind, criteria)).result]


def asset(name: str, identifier: str) -> dict[str, object]:
    information = {"assetKind": "Instance", "specificAssetIds": [{"name": name, "value": "1"}]}
    return shell(identifier) | {"assetInformation": information}


async def test_paths_and_names_go_with_their_last_row(storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "STEP", 3)
    label = Label(index.specific_asset_id("gone"), "1")
    documents = [submodel(f"urn:x:{number}", prop(f"P{number}")) for number in range(12)]
    await storage.apply([Put(each) for each in [*documents, asset("gone", "urn:s:1"), asset("kept", "urn:s:2")]])
    assert await found(storage, Kind.SHELL, label) == ["urn:s:1"]
    await storage.apply([Delete(Kind.SUBMODEL, f"urn:x:{number}") for number in range(10)])
    await storage.apply([Delete(Kind.SHELL, "urn:s:1")])
    await storage.sweep_numbers()
    paths, names = texts(storage)
    assert paths == {"P10", "P11"}
    assert label.name not in names
    assert index.specific_asset_id("kept") in names
    # What comes back is found again, by writer and readers that knew the old number.
    await storage.apply([Put(documents[0]), Put(documents[3]), Put(asset("gone", "urn:s:3"))])
    assert await found(storage, Kind.SHELL, label) == ["urn:s:3"]
    assert await found(storage, Kind.SUBMODEL, ElementValue("P3", 4.2)) == ["urn:x:3"]
    assert await found(storage, Kind.SUBMODEL, ElementValue("P4", 4.2)) == []
    (dangling,) = storage._reader.execute(
        "SELECT count(*) FROM element WHERE slot NOT IN (SELECT id FROM slot)"
    ).fetchone()
    assert dangling == 0


async def test_a_store_without_changes_is_not_swept_again(storage: SqliteStorage) -> None:
    await storage.apply([Put(submodel("urn:x:1", prop("P"))), Put(submodel("urn:x:2", prop("Q")))])
    await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1")])
    await storage.sweep_numbers()
    before = storage.counters["commits"]
    await storage.sweep_numbers()
    assert storage.counters["commits"] == before


def test_every_kind_counts_where_names_are_swept() -> None:
    (listed,) = re.findall(r"kind IN \(([^)]*)\)", SQL["unused_terms"])
    assert set(map(int, listed.split(","))) == set(NUMBERS.values())


async def test_an_idle_store_is_whole_in_its_file(tmp_path: Path) -> None:
    storage = await SqliteStorage.open(f"sqlite:///{tmp_path / 'test.db'}")
    await storage.apply([Put(submodel("urn:x:1"))])
    await storage._writer.carry_over()  # somebody has just written
    await storage._writer.carry_over()
    shutil.copy(tmp_path / "test.db", tmp_path / "copy.db")
    copy = await SqliteStorage.open(f"sqlite:///{tmp_path / 'copy.db'}")
    assert copy.peek(Kind.SUBMODEL, "urn:x:1") is not None
    await copy.close()
    await storage.close()


async def test_criteria_that_exclude_each_other_are_walked_in_slices(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selecting, "WALKED", 4)
    documents = [submodel(f"urn:x:{n}", prop("P"), idShort="AB"[n % 2 or n in (40, 44)]) for n in range(60)]
    for number, document in enumerate(documents):
        document["semanticId"] = {
            "type": "ExternalReference",
            "keys": [{"type": "GlobalReference", "value": "ev"[number % 2]}],
        }
    await storage.apply([Put(each) for each in documents])
    semantic = next(value for name, value in index.labels(documents[0]) if name == index.SEMANTIC_ID)
    both = [Label(index.ID_SHORT, "B"), Label(index.SEMANTIC_ID, semantic)]
    assert await found(storage, Kind.SUBMODEL, *both) == ["urn:x:40", "urn:x:44"]
    first = await storage.page(Kind.SUBMODEL, both, 1)
    rest = await storage.page(Kind.SUBMODEL, both, 1, first.cursor)
    assert ([each.identifier for each in (*first.result, *rest.result)], rest.cursor) == (
        ["urn:x:40", "urn:x:44"],
        None,
    )


async def test_a_large_store_that_was_not_closed_is_looked_through_while_it_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "CHECKED", 0)
    file = tmp_path / "test.db"
    storage = await SqliteStorage.open(f"sqlite:///{file}")
    await storage.apply([Put(submodel(f"urn:x:{number}", prop("P"))) for number in range(500)])
    await storage.close()
    with sqlite3.connect(file) as connection:
        connection.execute(SQL["put_meta"], ("state", "open"))
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'part_sha256'").fetchone()
    connection.close()
    caplog.set_level("INFO")
    for damaged, told in ((False, "it is whole"), (True, "is damaged")):
        if damaged:
            with file.open("r+b") as raw:
                raw.seek((page - 1) * 4096)
                raw.write(b"\x7f" * 4096)
        storage = await SqliteStorage.open(f"sqlite:///{file}")
        assert storage._checking is not None
        await storage._checking
        assert told in caplog.text
        await storage.close()
        with sqlite3.connect(file) as connection:
            connection.execute(SQL["put_meta"], ("state", "open"))
        connection.close()
