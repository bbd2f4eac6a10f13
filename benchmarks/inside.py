"""What is measured in the process itself: the engine without HTTP, and validation."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from aas_server.model import Document, Kind
from aas_server.model.references import text
from aas_server.model.validation import verify
from aas_server.storage import Label, index
from aas_server.storage.sqlite import SqliteStorage
from benchmarks import documents
from benchmarks.report import Row, compared

TIMES = 200


def measured(folder: Path, many: int) -> Iterator[Row]:
    yield validation()
    database = folder / "large.db"
    if database.exists():
        yield from asyncio.run(filters(f"sqlite:///{database}", many))


def validation(size: int = 22_000) -> Row:
    """Reading and verifying a nameplate; the document is parsed anew each time, as it is when it arrives."""
    body = orjson.dumps(documents.nameplate(size))
    assert list(verify(orjson.loads(body))) == []
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        list(verify(orjson.loads(body)))
        taken.append(time.perf_counter() - begun)
    return compared(f"validation of a nameplate of {len(body) / 1000:.0f} kB, with parsing", middle(taken), 0.5, "ms")


async def filters(url: str, many: int) -> list[Row]:
    """The pages that list filters ask the storage for."""
    submodel, shell = documents.submodel, documents.shell
    asked = {
        "idShort, page of 10": (Kind.SUBMODEL, Label(index.ID_SHORT, submodel(42, 0)["idShort"])),
        "semanticId, page of 10": (Kind.SUBMODEL, Label(index.SEMANTIC_ID, semantic_id(submodel(3, 0)))),
        "semanticId, one hit": (Kind.SUBMODEL, Label(index.SEMANTIC_ID, semantic_id(submodel(999, 0)))),
        "assetIds, one hit": (Kind.SHELL, Label(index.GLOBAL_ASSET_ID, global_asset_id(shell(many // 20)))),
    }
    storage = await SqliteStorage.open(url)
    try:
        return [await filtered(storage, what, kind, label) for what, (kind, label) in asked.items()]
    finally:
        await storage.close()


def semantic_id(submodel: Document) -> str:
    return text(submodel["semanticId"])


def global_asset_id(shell: Document) -> str:
    identifier: str = shell["assetInformation"]["globalAssetId"]
    return identifier


async def filtered(storage: SqliteStorage, what: str, kind: Kind, label: Label) -> Row:
    page = await storage.page(kind, [label], 10)
    assert page.result, f"no document meets {label}"
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        await storage.page(kind, [label], 10)
        taken.append(time.perf_counter() - begun)
    return compared(f"engine: filter {what}", middle(taken), 0.3, "ms")


def middle(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000
