"""Defects that were found by reading the code against the grain; each of these once failed."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from aas_server.model import Kind
from aas_server.model.changes import Delete, Part, Put, SetValue
from aas_server.model.errors import Gone, Malformed, NotFound, Unavailable, Unsupported
from aas_server.model.identifiers import encode
from aas_server.storage import ElementValue, sqlite, writing
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import prop, submodel


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[SqliteStorage]:
    storage = await SqliteStorage.open(f"sqlite:///{tmp_path / 't.db'}")
    yield storage
    await storage.close()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def sv(document: dict[str, Any], name: str, value: str) -> SetValue:
    element = next(each for each in document["submodelElements"] if each["idShort"] == name)
    return SetValue(document["id"], (name,), {"value": value}, element)


async def found(storage: SqliteStorage, path: str, value: str | float) -> list[str]:
    return [each.identifier for each in (await storage.page(Kind.SUBMODEL, [ElementValue(path, value)])).result]


class Turns:
    """How often another task had its turn meanwhile."""

    async def __aenter__(self) -> "Turns":
        self.count = 0
        self.task = asyncio.create_task(self.tick())
        await asyncio.sleep(0)
        self.count = 0
        return self

    async def tick(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()


async def test_a_name_that_is_no_id_short_is_poison(storage: SqliteStorage) -> None:
    """import stores idShort '7th' (pattern findings are only told); a value set there makes the document unreadable"""
    doc = submodel("urn:x:1", prop("7th"))
    await storage.apply([Put(doc)])
    await storage.apply([sv(doc, "7th", "1")])
    (stored,) = await storage.read(Kind.SUBMODEL, ["urn:x:1"])
    assert stored.values == {("7th",): {"value": "1"}}


async def test_poison_ends_followers(storage: SqliteStorage) -> None:
    doc = submodel("urn:x:1", prop("a.b"))
    await storage.apply([Put(doc)])
    await storage.apply([sv(doc, "a.b", "1")])
    got = await anext(aiter(storage.changes(0)))
    assert got[-1].path == ("a.b",)


async def test_tidying_goes_on_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of an element that is not addressed by a proper idShort fold like any other, again and again."""
    url = f"sqlite:///{tmp_path / 't.db'}"
    monkeypatch.setattr(sqlite, "REST", 0.02)
    s = await SqliteStorage.open(url)
    doc = submodel("urn:x:1", prop("7th"))
    await s.apply([Put(doc)])
    for value in ("1", "2"):
        await s.apply([sv(doc, "7th", value)])
        while (await s.read(Kind.SUBMODEL, ["urn:x:1"]))[0].values:  # noqa: ASYNC110 - nothing announces a fold
            await asyncio.sleep(0.01)
    await s.close()
    await (await SqliteStorage.open(url)).close()


async def test_a_follower_that_begins_during_a_commit_misses_nothing(storage: SqliteStorage) -> None:
    """`changes()` begins behind what is committed, not behind what is about to be."""
    await storage.apply([Put(submodel("urn:x:0"))])
    gate = threading.Event()
    storage._writer._commits.submit(gate.wait)  # the commit takes a while, as on a slow disk
    writing = asyncio.create_task(storage.apply([Put(submodel("urn:x:1"))]))
    for _ in range(5):
        await asyncio.sleep(0)
    follower = aiter(storage.changes())
    task = asyncio.ensure_future(anext(follower))
    for _ in range(5):
        await asyncio.sleep(0)
    assert storage.peek(Kind.SUBMODEL, "urn:x:1") is None  # not there when the follower began
    gate.set()
    await writing
    batch = await asyncio.wait_for(task, 1)
    assert batch[0].identifier == "urn:x:1"


async def test_a_slow_follower_is_told_of_the_gap(tmp_path: Path) -> None:
    s = await SqliteStorage.open(f"sqlite:///{tmp_path / 't.db'}", log_changes=10)
    try:
        await s.apply([Put(submodel("urn:x:1", prop("P")))])
        follower = aiter(s.changes(0))
        last = (await anext(follower))[-1].sequence
        for n in range(30):
            await s.apply([Put(submodel("urn:x:1", prop(f"P{n}-{i}"))) for i in range(100)])
        assert last == 1
        with pytest.raises(Gone):
            await anext(follower)
    finally:
        await s.close()


async def test_a_kept_binary_stays_until_it_is_attached(storage: SqliteStorage) -> None:
    sha, size = await storage.keep(chunks(b"x"))
    assert await storage.keep(chunks(b"x")) == (sha, size)  # two uploads of the same content
    await storage.apply([Put(submodel("urn:x:1"), None, {"/a": Part(sha, size, "x")})])
    await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1")])
    await storage.apply([Put(submodel("urn:x:2"), None, {"/a": Part(sha, size, "x")})])


async def test_what_a_reader_sees_is_one_moment(storage: SqliteStorage) -> None:
    """A fold that is committed while a document is read neither hides the value nor shows it twice."""
    doc = submodel("urn:x:1", prop("P"))
    await storage.apply([Put(doc)])
    await storage.apply([sv(doc, "P", "7")])
    writer = storage._opened.writer
    writer.execute("BEGIN")
    list(storage._tables.fold(time.time() + 1, 50))  # a fold whose COMMIT is in the thread

    def trace(statement: str) -> None:
        if "value_log" in statement and writer.in_transaction:
            writer.execute("COMMIT")

    storage._reader.set_trace_callback(trace)
    stored = storage.peek(Kind.SUBMODEL, "urn:x:1")
    storage._reader.set_trace_callback(None)
    if writer.in_transaction:
        writer.execute("COMMIT")
    assert stored is not None
    value = stored.values.get(("P",)) or orjson.loads(stored.body)["submodelElements"][0]
    assert value["value"] == "7"


@pytest.mark.parametrize("cursor", ["pk:²", "pk:" + "9" * 30, "pk:" + "9" * 5000])
async def test_a_forged_cursor_is_malformed(storage: SqliteStorage, cursor: str) -> None:
    await storage.apply([Put(submodel("urn:x:1"))])

    with pytest.raises(Malformed):
        await storage.page(Kind.SUBMODEL, cursor=encode(cursor))


async def test_a_long_text_is_found(storage: SqliteStorage) -> None:
    long = "x" * 3000
    await storage.apply([Put(submodel("urn:x:1", prop("P", long, "xs:string")))])
    assert len((await storage.page(Kind.SUBMODEL, [ElementValue("P", long)])).result) == 1


async def test_an_element_as_it_was_before_a_fold(storage: SqliteStorage) -> None:
    """expected=None and an element read before another value was set and folded: the index keeps a row for ever"""
    doc = submodel("urn:x:1", prop("P", "4.2"))
    await storage.apply([Put(doc)])
    await storage.apply([sv(doc, "P", "5")])
    await storage.fold(time.time() + 1)
    await storage.apply([sv(doc, "P", "6")])
    assert [s.identifier for s in (await storage.page(Kind.SUBMODEL, [ElementValue("P", 5.0)])).result] == []


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    c = sqlite3.connect(tmp_path / "t.db")
    c.execute("CREATE TABLE invoices (x)")
    c.commit()
    c.close()
    with pytest.raises((Unavailable, Unsupported)):
        await (await SqliteStorage.open(f"sqlite:///{tmp_path / 't.db'}")).close()


async def test_followers_end_when_the_store_closes(tmp_path: Path) -> None:
    s = await SqliteStorage.open(f"sqlite:///{tmp_path / 't.db'}")
    task = asyncio.ensure_future(anext(aiter(s.changes()), None))
    await asyncio.sleep(0)
    await s.close()
    try:
        assert await asyncio.wait_for(task, 1) is None
    finally:
        task.cancel()


async def test_what_was_stored_is_acknowledged_even_when_the_trim_is_not(tmp_path: Path) -> None:
    """Trimming the log is no part of what a caller waits for."""
    s = await SqliteStorage.open(f"sqlite:///{tmp_path / 't.db'}", log_changes=10)
    writing = asyncio.create_task(s.apply([Put(submodel(f"urn:x:{n}")) for n in range(1500)]))
    await asyncio.sleep(0)
    await s.close()
    assert len(await writing) == 1500


async def test_a_job_that_ends_the_transaction_does_not_hang(storage: SqliteStorage) -> None:
    """SQLite rolls back by itself on NOMEM, IOERR, FULL: then ROLLBACK TO fails, and nobody is told"""

    def work() -> Iterator[None]:
        storage._opened.writer.execute("ROLLBACK")
        raise sqlite3.DatabaseError("disk image is malformed")
        yield

    with pytest.raises((sqlite3.Error, Unavailable)):
        await asyncio.wait_for(storage._writer.submit(work), 2)


async def test_a_full_disk(tmp_path: Path) -> None:
    s = await SqliteStorage.open(f"sqlite:///{tmp_path / 't.db'}")
    await s.apply([Put(submodel("urn:x:ok"))])
    (pages,) = s._opened.writer.execute("PRAGMA page_count").fetchone()
    s._opened.writer.execute(f"PRAGMA max_page_count = {pages + 3}")
    big = submodel("urn:x:big", prop("P", "x" * 200_000, "xs:string"))
    answers = await asyncio.wait_for(
        asyncio.gather(
            *[s.apply([Put(submodel(f"urn:x:{n}"))]) for n in range(3)],
            s.apply([Put(big)]),
            *[s.apply([Put(submodel(f"urn:y:{n}"))]) for n in range(3)],
            return_exceptions=True,
        ),
        5,
    )
    for n, a in zip(
        ["urn:x:0", "urn:x:1", "urn:x:2", "urn:x:big", "urn:y:0", "urn:y:1", "urn:y:2"], answers, strict=True
    ):
        there = s.peek(Kind.SUBMODEL, n) is not None
        assert there == (not isinstance(a, Exception)), (n, a)
    s._opened.writer.execute("PRAGMA max_page_count = 1000000")
    await s.apply([Put(submodel("urn:x:after"))])
    assert [x.identifier for x in (await s.page(Kind.SUBMODEL)).result][-1] == "urn:x:after"
    await s.close()


async def test_a_refused_first_job_leaves_no_gap_in_the_log(storage: SqliteStorage) -> None:
    """undo() does not give the sequence numbers back; the log then begins at 2 and changes(0) is Gone"""
    with pytest.raises(NotFound):
        await storage.apply([Put(submodel("urn:x:1")), Delete(Kind.SHELL, "urn:none")])
    await storage.apply([Put(submodel("urn:x:1"))])
    assert (await anext(aiter(storage.changes(0))))[0].identifier == "urn:x:1"


async def test_twins_in_a_replaced_document(storage: SqliteStorage) -> None:
    """index.difference skips the equal twin and takes away the row that it still needs"""
    await storage.apply([Put(submodel("urn:x:1", prop("P", "1"), prop("P", "1")))])
    await storage.apply([Put(submodel("urn:x:1", prop("P", "1"), prop("P", "2")))])
    assert len((await storage.page(Kind.SUBMODEL, [ElementValue("P", 1.0)])).result) == 1


@pytest.mark.parametrize("literal", ["1_000", " 1000 ", "\u0661\u0660\u0660\u0660"])
async def test_what_is_no_number_is_not_found_as_one(storage: SqliteStorage, literal: str) -> None:
    """float() reads more than xs:double; import stores such values (value findings are only told)"""
    await storage.apply([Put(submodel("urn:x:1", prop("P", literal, "xs:double")))])
    assert (await storage.page(Kind.SUBMODEL, [ElementValue("P", 1000.0)])).result == []


async def test_a_download_gets_all_its_bytes_or_is_told(storage: SqliteStorage) -> None:
    """A file may be removed, and its chunks swept, while somebody reads it; nobody gets a part, or another's bytes."""
    content = b"a" * (600 << 10)
    for swept in (False, True):
        sha256, size = await storage.keep(chunks(content))
        await storage.apply([Put(submodel("urn:x:1"), None, {"/a": Part(sha256, size, "x")})])
        reading = storage.fetch(sha256)
        got = await anext(reading)
        await storage.apply([Delete(Kind.SUBMODEL, "urn:x:1")])
        if swept:
            await storage.sweep()
        await storage.keep(chunks(b"b" * (900 << 10)))
        try:
            got += b"".join([chunk async for chunk in reading])
        except NotFound:
            assert swept
        else:
            assert got == content


async def test_large_steps_leave_others_their_turns(storage: SqliteStorage) -> None:
    documents = [submodel(f"urn:x:{number}", prop("P", str(number))) for number in range(3000)]
    async with Turns() as turns:
        await storage.apply([Put(document) for document in documents])
        written = turns.count
        await storage.apply([Put(document) for document in documents])  # unchanged, which makes no rows
    assert written >= 15
    assert turns.count - written >= 15


async def test_many_values_of_one_document_leave_others_their_turns(storage: SqliteStorage) -> None:
    document = submodel("urn:x:1", *(prop(f"P{number}", "0") for number in range(2000)))
    await storage.apply([Put(document)])
    orders = [
        SetValue("urn:x:1", (element["idShort"],), {"value": "1"}, element) for element in document["submodelElements"]
    ]
    async with Turns() as turns:
        await storage.apply(orders)
    assert turns.count >= 10


async def test_the_log_is_cut_although_somebody_reads_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "CHECKPOINT", 64 << 10)
    storage = await SqliteStorage.open(f"sqlite:///{tmp_path / 'test.db'}")
    log, largest = tmp_path / "test.db-wal", 0

    async def read() -> None:
        while True:
            storage.peek(Kind.SUBMODEL, "urn:x:1")
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    for number in range(60):
        await storage.apply([Put(submodel("urn:x:1", *(prop(f"P{n}", str(number), "xs:int") for n in range(200))))])
        largest = max(largest, log.stat().st_size)
    reading.cancel()
    await storage.close()
    assert largest < 1 << 20
