"""What every storage does, request by request."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from aas_server.model import IDENTIFIABLES, Kind
from aas_server.model.changes import ABSENT, Delete, Event, Part, Put, SetValue
from aas_server.model.errors import AlreadyExists, Gone, Malformed, NotFound, PreconditionFailed
from aas_server.model.paths import resolve
from aas_server.storage import ElementValue, Label, Stored, index
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import concept, motors, prop, shell, submodel

SPEED = ("Motors", 0, "Speed")


def set_value(
    document: dict[str, Any], path: tuple[str | int, ...], value: str, expected: int | None = None
) -> SetValue:
    return SetValue(document["id"], path, {"value": value}, resolve(document, path), expected)


async def read(storage: SqliteStorage, identifier: str = "urn:x:1", kind: Kind = Kind.SUBMODEL) -> Stored:
    (stored,) = await storage.read(kind, [identifier])
    assert storage.peek(kind, identifier) == stored
    return stored


async def found(storage: SqliteStorage, *criteria: Label | ElementValue, kind: Kind = Kind.SUBMODEL) -> list[str]:
    return [stored.identifier for stored in (await storage.page(kind, criteria)).result]


async def test_a_document_is_kept_to_the_byte(storage: SqliteStorage) -> None:
    (outcome,) = await storage.apply([Put(motors())])
    assert outcome.event is Event.CREATED
    assert await read(storage) == Stored(Kind.SUBMODEL, "urn:x:1", outcome.revision, orjson.dumps(motors()))


async def test_kinds_have_id_spaces_of_their_own(storage: SqliteStorage) -> None:
    await storage.apply([Put(make("urn:same")) for make in (shell, submodel, concept)])
    await storage.apply([Delete(Kind.SHELL, "urn:same")])
    assert [len(await storage.read(kind, ["urn:same"])) for kind in IDENTIFIABLES] == [0, 1, 1]


async def test_revisions_grow_and_never_come_again(storage: SqliteStorage) -> None:
    revisions = []
    for number in range(3):
        revisions += [
            outcome.revision for outcome in await storage.apply([Put(submodel("urn:x:1", prop(f"P{number}")))])
        ]
        revisions += [outcome.revision for outcome in await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1")])]
    assert revisions == sorted(set(revisions))


async def test_an_equal_document_is_no_change(storage: SqliteStorage) -> None:
    (first,) = await storage.apply([Put(motors())])
    (second,) = await storage.apply([Put(motors())])
    assert (second.revision, second.event) == (first.revision, None)


async def test_expected_revisions(storage: SqliteStorage) -> None:
    (first,) = await storage.apply([Put(motors(), ABSENT)])
    with pytest.raises(AlreadyExists, match="urn:x:1"):
        await storage.apply([Put(motors(), ABSENT)])
    (second,) = await storage.apply([Put(submodel(), first.revision)])
    for stale in (
        Put(motors(), first.revision),
        Delete(Kind.SUBMODEL, "urn:x:1", first.revision),
        set_value(motors(), SPEED, "1", first.revision),
        Put(submodel("urn:x:2"), first.revision),
    ):
        with pytest.raises(PreconditionFailed):
            await storage.apply([stale])
    await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1", second.revision)])
    with pytest.raises(NotFound):
        await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1")])
    with pytest.raises(NotFound):
        await storage.apply([set_value(motors(), SPEED, "1")])


async def test_all_or_nothing(storage: SqliteStorage) -> None:
    await storage.apply([Put(motors())])
    before = await read(storage)
    with pytest.raises(NotFound):
        await storage.apply([
            Put(shell()), set_value(motors(), SPEED, "1"), Put(submodel()), Delete(Kind.CONCEPT, "urn:none"),
        ])  # fmt: skip
    assert await read(storage) == before
    assert await storage.read(Kind.SHELL, ["urn:s:1"]) == []
    assert await found(storage, ElementValue("Motors[0].Speed", 4.2)) == ["urn:x:1"]
    assert await found(storage, ElementValue("Motors[0].Speed", 1.0)) == []


async def test_several_changes_of_one_document_in_one_step(storage: SqliteStorage) -> None:
    document = motors()
    outcomes = await storage.apply([Put(document), set_value(document, SPEED, "1"), set_value(document, SPEED, "2")])
    stored = await read(storage)
    assert stored.revision == outcomes[-1].revision
    assert stored.values == {SPEED: {"value": "2"}}
    assert await found(storage, ElementValue("Motors[0].Speed", 2.0)) == ["urn:x:1"]
    assert await found(storage, ElementValue("Motors[0].Speed", 1.0)) == []


async def test_a_value_leaves_the_body_alone_and_is_found_by_the_index(storage: SqliteStorage) -> None:
    await storage.apply([Put(motors())])
    for value in ("7", "8"):
        (outcome,) = await storage.apply([set_value(motors(), SPEED, value)])
    assert outcome.event is Event.VALUE
    stored = await read(storage)
    assert (stored.body, stored.values, stored.revision) == (
        orjson.dumps(motors()), {SPEED: {"value": "8"}}, outcome.revision,
    )  # fmt: skip
    assert await found(storage, ElementValue("Motors[0].Speed", 8.0)) == ["urn:x:1"]
    for stale in (4.2, 7.0):
        assert await found(storage, ElementValue("Motors[0].Speed", stale)) == []


async def test_a_put_takes_the_values_set_before_with_it(storage: SqliteStorage) -> None:
    await storage.apply([Put(motors())])
    await storage.apply([set_value(motors(), SPEED, "7")])
    (outcome,) = await storage.apply([Put(motors())])  # not equal to what readers see: the value was set since
    assert outcome.event is Event.UPDATED
    stored = await read(storage)
    assert (stored.values, stored.revision) == ({}, outcome.revision)
    assert await found(storage, ElementValue("Motors[0].Speed", 4.2)) == ["urn:x:1"]
    assert await found(storage, ElementValue("Motors[0].Speed", 7.0)) == []


async def test_folding_changes_nothing_for_readers(storage: SqliteStorage) -> None:
    await storage.apply([Put(motors())])
    (outcome,) = await storage.apply([set_value(motors(), SPEED, "7")])
    await storage.fold(time.time() + 1)
    stored = await read(storage)
    assert (stored.values, stored.revision) == ({}, outcome.revision)
    assert resolve(orjson.loads(stored.body), SPEED)["value"] == "7"
    assert await found(storage, ElementValue("Motors[0].Speed", 7.0)) == ["urn:x:1"]


async def test_criteria_are_met_all_together(storage: SqliteStorage) -> None:
    for number in range(6):
        await storage.apply(
            [Put(submodel(f"urn:x:{number}", prop("Speed", str(number % 2)), idShort=f"S{number % 3}"))]
        )
    assert await found(storage, Label(index.ID_SHORT, "S0")) == ["urn:x:0", "urn:x:3"]
    assert await found(storage, ElementValue("Speed", 1.0)) == ["urn:x:1", "urn:x:3", "urn:x:5"]
    assert await found(storage, Label(index.ID_SHORT, "S0"), ElementValue("Speed", 1.0)) == ["urn:x:3"]
    assert await found(storage, Label("no such label", "S0")) == []
    assert await found(storage, ElementValue("No.Such.Path", 1.0)) == []
    assert await found(storage, Label(index.ID_SHORT, "S0"), kind=Kind.SHELL) == []
    page = await storage.page(Kind.SUBMODEL, [ElementValue("Speed", 1.0)], 2)
    rest = await storage.page(Kind.SUBMODEL, [ElementValue("Speed", 1.0)], 2, page.cursor)
    assert ([each.identifier for each in rest.result], rest.cursor) == (["urn:x:5"], None)


async def test_pages_in_the_order_of_creation_whatever_changes(storage: SqliteStorage) -> None:
    await storage.apply([Put(submodel(f"urn:x:{number}")) for number in range(5)])
    first = await storage.page(Kind.SUBMODEL, limit=2)
    await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1"), Delete(Kind.SUBMODEL, "urn:x:4")])
    await storage.apply([Put(submodel("urn:x:3", prop("P"))), Put(submodel("urn:x:9"))])
    second = await storage.page(Kind.SUBMODEL, limit=9, cursor=first.cursor)
    assert [each.identifier for each in second.result] == ["urn:x:2", "urn:x:3", "urn:x:9"]
    assert second.cursor is None
    exact = await storage.page(Kind.SUBMODEL, limit=4)
    assert (len(exact.result), exact.cursor) == (4, None)
    with pytest.raises(Malformed):
        await storage.page(Kind.SUBMODEL, cursor="Zm9yZWlnbg")


async def test_followers_see_every_change_once_in_order(storage: SqliteStorage) -> None:
    async def follow(count: int, after: int | None) -> list[tuple[Event, str]]:
        seen: list[tuple[Event, str]] = []
        async for batch in storage.changes(after):
            seen += [(logged.event, logged.identifier) for logged in batch]
            if len(seen) >= count:
                return seen
        raise AssertionError

    await storage.apply([Put(motors())])
    late = asyncio.create_task(follow(3, None))
    early = asyncio.create_task(follow(4, 0))
    await asyncio.sleep(0)
    await storage.apply([set_value(motors(), SPEED, "1")])
    await storage.apply([Put(motors()), Delete(Kind.SUBMODEL, "urn:x:1")])
    rest = [(Event.VALUE, "urn:x:1"), (Event.UPDATED, "urn:x:1"), (Event.DELETED, "urn:x:1")]
    assert await late == rest
    assert await early == [(Event.CREATED, "urn:x:1"), *rest]


async def test_a_logged_value_names_path_and_attributes(storage: SqliteStorage) -> None:
    await storage.apply([Put(motors())])
    (outcome,) = await storage.apply([set_value(motors(), SPEED, "7")])
    async for batch in storage.changes(outcome.revision - 1):
        (logged,) = batch
        assert (logged.sequence, logged.path, logged.attributes) == (outcome.revision, SPEED, {"value": "7"})
        break


async def test_who_fell_behind_the_trimmed_log_is_told(url: str) -> None:
    storage = await SqliteStorage.open(url, log_changes=10)
    for number in range(30):
        await storage.apply([Put(submodel("urn:x:1", prop(f"P{number}-{each}"))) for each in range(50)])
    with pytest.raises(Gone):
        await anext(aiter(storage.changes(0)))
    await storage.close()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def fetched(storage: SqliteStorage, sha256: str) -> bytes:
    return b"".join([chunk async for chunk in storage.fetch(sha256)])


async def test_binaries_by_hash_as_long_as_somebody_has_them(storage: SqliteStorage) -> None:
    content = bytes(range(256)) * 3000
    sha256, size = await storage.keep(chunks(content[:1000], b"", content[1000:]))
    assert (sha256, size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert await storage.keep(chunks(content)) == (sha256, size)
    part = Part(sha256, size, "text/plain", thumbnail=True)
    await storage.apply([Put(submodel("urn:x:1"), None, {"/a": part}), Put(submodel("urn:x:2"), None, {"/b": part})])
    for _ in range(2):
        await storage.release(sha256)
    assert await storage.parts(Kind.SUBMODEL, "urn:x:1") == {"/a": part}
    await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1")])
    assert await fetched(storage, sha256) == content
    await storage.apply([Put(submodel("urn:x:2"), None, {"/b": None})])
    assert await storage.parts(Kind.SUBMODEL, "urn:x:2") == {}
    with pytest.raises(NotFound):
        await fetched(storage, sha256)


async def test_a_broken_stream_leaves_nothing(storage: SqliteStorage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(1 << 20)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await storage.keep(broken())
    await storage.sweep()
    assert storage._reader.execute("SELECT (SELECT count(*) FROM blob), (SELECT count(*) FROM chunk)").fetchone() == (
        0,
        0,
    )


async def test_many_writers_share_a_transaction(storage: SqliteStorage) -> None:
    before = storage.counters["commits"]
    await asyncio.gather(*(storage.apply([Put(submodel(f"urn:x:{number}"))]) for number in range(200)))
    assert storage.counters["commits"] - before < 20
    assert len((await storage.page(Kind.SUBMODEL, limit=300)).result) == 200


async def test_a_page_of_large_documents_ends_early(storage: SqliteStorage) -> None:
    large = [submodel(f"urn:x:{number}", prop("P", "x" * (5 << 20), "xs:string")) for number in range(6)]
    for document in large:
        await storage.apply([Put(document)])
    seen: list[str] = []
    cursor, pages = None, 0
    while True:
        page = await storage.page(Kind.SUBMODEL, limit=100, cursor=cursor)
        seen += [each.identifier for each in page.result]
        pages += 1
        if (cursor := page.cursor) is None:
            break
    assert (seen, pages) == ([f"urn:x:{number}" for number in range(6)], 2)
