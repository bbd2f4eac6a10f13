"""Ids under which documents of several kinds lie: found by the labels of all of them, in an order that holds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from aas_server.model import Kind
from aas_server.model.changes import Delete, Put
from aas_server.model.errors import Malformed
from aas_server.storage import Label, identifiers
from aas_server.storage.index import GLOBAL_ASSET_ID, specific_asset_id
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import shell

KINDS = (Kind.SHELL, Kind.ASSET_LINKS)
SERIAL = Label(specific_asset_id("serial"), "1")
BATCH = Label(specific_asset_id("batch"), "2")
NAMES = {"serial": SERIAL, "batch": BATCH}


def hosted(identifier: str, *names: str) -> Put:
    return Put(shell(identifier, specificAssetIds=[{"name": name, "value": NAMES[name].value} for name in names]))


def posted(identifier: str, *names: str) -> Put:
    links = [{"name": name, "value": NAMES[name].value} for name in names]
    return Put({"id": identifier, "links": links}, stored_as=Kind.ASSET_LINKS)


@pytest.fixture(params=["few", "many"], autouse=True)
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to find: what has a label is sorted, or the ids are walked and each is asked."""
    if request.param == "many":
        monkeypatch.setattr(identifiers, "FEW", 0)


async def found(storage: SqliteStorage, *labels: Label, limit: int = 2) -> list[str]:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = await storage.identifiers(KINDS, labels, limit, cursor)
        assert len(page) <= limit
        seen += page
        if cursor is None:
            return seen


async def test_each_id_once_in_the_order_of_the_ids(storage: SqliteStorage) -> None:
    await storage.apply([posted("c"), hosted("b"), posted("b"), hosted("ä"), hosted("a"), posted("d")])
    assert await found(storage) == ["a", "b", "c", "d", "ä"]


async def test_an_id_of_another_kind_is_not_found(storage: SqliteStorage) -> None:
    await storage.apply([Put({"id": "a"}, stored_as=Kind.SHELL_DESCRIPTOR), Put({"id": "b"}, stored_as=Kind.PACKAGE)])
    assert await found(storage) == []


async def test_the_labels_may_stand_in_different_documents(storage: SqliteStorage) -> None:
    await storage.apply([hosted("a", "serial"), posted("a", "batch"), hosted("b", "serial"), posted("c", "batch")])
    await storage.apply([hosted("d", "serial", "batch"), posted("e", "serial", "batch"), posted("b")])
    assert await found(storage, SERIAL) == ["a", "b", "d", "e"]
    assert await found(storage, BATCH) == ["a", "c", "d", "e"]
    assert await found(storage, SERIAL, BATCH) == ["a", "d", "e"]
    assert await found(storage, BATCH, SERIAL) == ["a", "d", "e"]
    assert await found(storage, SERIAL, Label(GLOBAL_ASSET_ID, "d:asset")) == ["d"]
    assert await found(storage, SERIAL, Label(GLOBAL_ASSET_ID, "nobody")) == []
    assert await found(storage, Label(specific_asset_id("never"), "x")) == []


@pytest.mark.parametrize("cursor", ["x", "cGs6MQ", "aWQ6", "%"])
async def test_a_foreign_cursor(storage: SqliteStorage, cursor: str) -> None:
    with pytest.raises(Malformed):
        await storage.identifiers(KINDS, [], 2, cursor)


async def test_no_query_scans_a_table(storage: SqliteStorage) -> None:
    await storage.apply([hosted("a", "serial", "batch")])
    for labels in ([], [SERIAL], [SERIAL, BATCH, Label(GLOBAL_ASSET_ID, "a:asset")]):
        query, values = storage._identifiers.query([1, 6], labels)
        rows = storage._reader.execute(f"EXPLAIN QUERY PLAN {query}", values | {"after": "", "limit": 10})
        steps = [row[3] for row in rows]
        assert [step for step in steps if step.startswith("SCAN") and "subquery" not in step.lower()] == [], steps
        assert any("kind=?" in step for step in steps)


IDS = st.sampled_from("abcdefgh")
CONTENTS = st.sets(st.sampled_from(["serial", "batch"])).map(sorted)
CHANGES = st.lists(st.tuples(st.sampled_from([hosted, posted]), IDS, st.none() | CONTENTS), max_size=4)


@hypothesis(max_examples=40, deadline=None)
@given(before=CHANGES, between=st.lists(CHANGES, max_size=6), labels=st.sampled_from([[], [SERIAL], [SERIAL, BATCH]]))
async def test_paging_while_documents_come_and_go(before: Any, between: Any, labels: list[Label]) -> None:
    """Nothing comes twice, and what was there all the time comes."""
    storage = await SqliteStorage.open("sqlite:///:memory:")
    await change(storage, before)
    stayed = set(await found(storage, *labels, limit=100))
    seen: list[str] = []
    cursor: str | None = None
    for changes in [*between, *[[]] * 9]:
        page, cursor = await storage.identifiers(KINDS, labels, 1, cursor)
        seen += page
        if cursor is None:
            break
        await change(storage, changes)
        stayed &= set(await found(storage, *labels, limit=100))
    assert cursor is None
    assert len(seen) == len(set(seen))
    assert stayed <= set(seen)
    await storage.close()


async def change(storage: SqliteStorage, changes: Any) -> None:
    for make, identifier, names in changes:
        kind = Kind.SHELL if make is hosted else Kind.ASSET_LINKS
        if names is not None:
            await storage.apply([make(identifier, *names)])
        elif await storage.read(kind, [identifier]):
            await storage.apply([Delete(kind, identifier)])
